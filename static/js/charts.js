/* Draws each <figure data-chart> from the JSON beside it. The library is fetched only when a page has a chart;
   without it the table in the figure says the same. Nothing is computed here: values are drawn, texts are shown. */
(() => {
  "use strict";

  const french = () => !document.documentElement.lang.startsWith("en");
  let library = null;
  const drawn = new Map();

  const script = (name) =>
    new Promise((resolve, reject) => {
      const element = document.createElement("script");
      element.src = document.querySelector(`meta[name=${name}]`).content;
      element.onload = resolve;
      element.onerror = reject;
      document.head.append(element);
    });

  const load = () => {
    library ||= script("chart-library")
      .then(() => (french() ? script("chart-locale") : null))
      .then(() => window.echarts);
    return library;
  };

  /* Tokens hold light-dark(): the browser resolves them when they are used as a colour. */
  const colours = (names) => {
    const probe = document.createElement("span");
    probe.hidden = true;
    document.body.append(probe);
    const found = {};
    for (const name of names) {
      probe.style.color = `var(--${name})`;
      found[name] = getComputedStyle(probe).color;
    }
    probe.remove();
    return found;
  };

  const SERIES = ["series-1", "series-2", "series-3", "series-4", "series-5", "series-6"];
  const TONES = ["age-0", "age-1", "age-2", "age-3", "age-4", "age-5", "age-credit", "ok", "watch", "late", "blocked"];

  const short = () =>
    new Intl.NumberFormat(french() ? "fr-FR" : "en-GB", { notation: "compact", maximumFractionDigits: 1 });

  const options = (data, width) => {
    const c = colours(["ink", "ink-2", "rule", "rule-2", "paper", "raised", ...SERIES, ...TONES]);
    const font = getComputedStyle(document.body).fontFamily;
    const axis = short();
    const stacked = data.kind === "stacked";
    const line = data.kind === "line";
    const direct = data.series.length === 1 && !line && data.categories.length <= 12;
    const narrow = width / data.categories.length < 80;
    const text = (series, index) => series.texts?.[index] ?? axis.format(Number(series.values[index]));
    return {
      animation: false,
      textStyle: { fontFamily: font, fontSize: 12, color: c["ink-2"] },
      aria: { enabled: true, decal: { show: data.series.length > 1 && !line } },
      grid: { left: 4, right: line ? 96 : 8, top: direct ? 24 : data.series.length > 1 && !line ? 36 : 12, bottom: 4, containLabel: true },
      legend: data.series.length > 1 && !line ? { top: 0, left: 0, itemWidth: 12, itemHeight: 12, textStyle: { color: c["ink-2"], fontSize: 12 } } : undefined,
      tooltip: {
        trigger: "item",
        renderMode: "richText",
        backgroundColor: c.raised,
        borderColor: c["rule-2"],
        textStyle: { color: c.ink, fontSize: 12, fontFamily: font },
        formatter: (point) =>
          [data.series.length > 1 ? point.seriesName : "", point.name, text(data.series[point.seriesIndex], point.dataIndex)]
            .filter(Boolean)
            .join("\n"),
      },
      xAxis: {
        type: "category",
        data: data.categories,
        axisTick: { show: false },
        axisLine: { lineStyle: { color: c["rule-2"] } },
        axisLabel: { color: c["ink-2"], fontSize: 12, hideOverlap: true },
      },
      yAxis: {
        type: "value",
        splitNumber: 4,
        splitLine: { lineStyle: { color: c.rule } },
        axisLabel: { color: c["ink-2"], fontSize: 12, formatter: (value) => axis.format(value) },
      },
      series: data.series.slice(0, 6).map((series, rank) => {
        const colour = c[series.tone] || c[SERIES[rank]];
        return {
          name: series.name,
          type: line ? "line" : "bar",
          stack: stacked ? "total" : undefined,
          barMaxWidth: 56,
          barCategoryGap: "28%",
          color: colour,
          itemStyle: { color: colour },
          lineStyle: line ? { width: 2, color: colour } : undefined,
          symbolSize: 6,
          endLabel: line ? { show: true, formatter: series.name, color: colour, fontSize: 12 } : undefined,
          labelLayout: line ? { moveOverlap: "shiftY" } : undefined,
          cursor: series.urls ? "pointer" : "default",
          label: direct ? { show: true, position: "top", color: c.ink, fontSize: 12, formatter: (point) => (narrow ? axis.format(Number(series.values[point.dataIndex])) : text(series, point.dataIndex)) } : undefined,
          data: series.values.map((value, index) => ({
            value: value === null ? null : Number(value),
            itemStyle: series.tones?.[index] ? { color: c[series.tones[index]] } : undefined,
          })),
        };
      }),
    };
  };

  const draw = (figure, echarts) => {
    const source = document.getElementById(figure.dataset.chart);
    const canvas = figure.querySelector("[data-canvas]");
    if (!source || !canvas) return;
    const data = JSON.parse(source.textContent);
    canvas.classList.add("is-drawn");
    let chart = echarts.getInstanceByDom(canvas);
    if (!chart) {
      chart = echarts.init(canvas, null, { renderer: "svg", locale: french() ? "FR" : "EN" });
      chart.on("click", (point) => {
        const url = data.series[point.seriesIndex]?.urls?.[point.dataIndex];
        if (url) window.location.assign(url);
      });
      new ResizeObserver(() => {
        chart.resize();
        chart.setOption(options(data, canvas.clientWidth), true);
      }).observe(canvas);
      drawn.set(figure, echarts);
    }
    chart.setOption(options(data, canvas.clientWidth), true);
  };

  const start = () => {
    const figures = [...document.querySelectorAll("figure[data-chart]")];
    for (const figure of drawn.keys()) if (!figure.isConnected) drawn.delete(figure);
    if (!figures.length) return;
    load()
      .then((echarts) => document.fonts.ready.then(() => figures.forEach((figure) => draw(figure, echarts))))
      .catch(() => {
        for (const table of document.querySelectorAll("[data-chart-table]")) table.open = true;
      });
  };

  const redraw = () => drawn.forEach((echarts, figure) => draw(figure, echarts));

  document.addEventListener("encours:theme", redraw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  /* Paper is white whatever the theme. */
  let shown;
  window.addEventListener("beforeprint", () => {
    shown = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    redraw();
  });
  window.addEventListener("afterprint", () => {
    if (shown) document.documentElement.dataset.theme = shown;
    else delete document.documentElement.dataset.theme;
    redraw();
  });
  document.addEventListener("htmx:afterSwap", start);
  start();
})();

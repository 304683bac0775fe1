/* The API's description, shown by Swagger UI or by Redoc; whichever the page has. */
(() => {
  "use strict";
  const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] || "";

  const swagger = document.getElementById("swagger-ui");
  if (swagger)
    SwaggerUIBundle({
      url: swagger.dataset.schema,
      domNode: swagger,
      deepLinking: true,
      presets: [SwaggerUIBundle.presets.apis],
      layout: "BaseLayout",
      requestInterceptor: (request) => {
        // Signed in, one acts as oneself: what writes needs the token of this browser.
        const url = new URL(request.url, location.href);
        if (url.origin === location.origin && (request.method || "GET").toUpperCase() !== "GET")
          request.headers["X-CSRFToken"] = token();
        return request;
      },
    });

  const redoc = document.getElementById("redoc");
  if (redoc) Redoc.init(redoc.dataset.schema, { disableSearch: true, hideDownloadButton: true }, redoc);
})();

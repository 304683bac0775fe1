"""A printer of letters, played by a process of its own over the shared folder: `python printer.py ROOT MODE`.

It reads what docs/formats/post.md says and nothing else of ours. Modes: `honest` (acknowledges, then delivers),
`doubled` (says everything twice), `late` (delivered before posted), `truncated` (a file cut off), `returned`.
"""

import csv
import hashlib
import json
import sys
from datetime import date, timedelta
from pathlib import Path

COLUMNS = (
    "batch", "reference", "status", "reason", "tracking_number", "posted_on", "first_presented_on",
    "delivered_on", "returned_on", "return_reason", "proof",
)  # fmt: skip


def taken_batches(root: Path) -> list[tuple[str, dict]]:
    """The whole batches, each checked against its manifest, to the byte."""
    found = []
    for folder in sorted((root / "outbound").iterdir()):
        if folder.name.startswith(".") or not (folder / "ready").exists():
            continue
        manifest = json.loads((folder / "manifest.json").read_text())
        with (folder / "manifest.csv").open(encoding="utf-8-sig", newline="") as file:
            table = list(csv.DictReader(file, delimiter=";"))
        assert [row["reference"] for row in table] == [row["reference"] for row in manifest["letters"]]
        assert int((folder / "ready").read_text()) == manifest["letter_count"] == len(table)
        for letter in manifest["letters"]:
            content = (folder / letter["file"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == letter["sha256"]
            assert letter["address"] and letter["pages"] >= 1
        names = {letter["file"] for letter in manifest["letters"]} | {
            "manifest.json",
            "manifest.csv",
            "ready",
        }
        assert {path.name for path in folder.iterdir()} == names
        found.append((folder.name, manifest))
    return found


def answer(root: Path, name: str, rows: list[dict], end: bool = True) -> None:
    lines = [";".join(COLUMNS)]
    lines += [";".join(str(row.get(column, "")) for column in COLUMNS) for row in rows]
    if end:
        lines.append(f"END;{len(rows)}")
    folder = root / "answers"
    folder.mkdir(exist_ok=True)
    # Written under another name first, as the format asks.
    (folder / f"{name}.part").write_text("\n".join(lines) + "\n")
    (folder / f"{name}.part").rename(folder / name)


def main(root: Path, mode: str, today: date) -> None:
    for batch, manifest in taken_batches(root):
        said = []
        for number, letter in enumerate(manifest["letters"]):
            row = {"batch": batch, "reference": letter["reference"]}
            accepted = row | {
                "status": "ACKNOWLEDGED",
                "posted_on": today,
                "tracking_number": f"1A{abs(hash(batch)) % 10**6:06d}{number:05d}",
            }
            proof = f"{letter['reference']}.pdf"
            (root / "answers" / "proofs").mkdir(parents=True, exist_ok=True)
            (root / "answers" / "proofs" / proof).write_bytes(
                b"%PDF-1.4 preuve " + letter["reference"].encode()
            )
            delivered = row | {"delivered_on": today + timedelta(days=2), "proof": proof}
            returned = row | {"returned_on": today + timedelta(days=9), "return_reason": "UNKNOWN_ADDRESS"}
            said.append((accepted, returned if mode == "returned" else delivered))
        first, second = [pair[0] for pair in said], [pair[1] for pair in said]
        if mode == "late":
            first, second = second, first
        answer(root, f"{batch}-1.csv", first, end=mode != "truncated")
        answer(root, f"{batch}-2.csv", second)
        if mode == "doubled":
            answer(root, f"{batch}-3.csv", [*first, *second])
            answer(root, f"{batch}-4.csv", [*first, {"reference": "INCONNUE", "batch": batch}])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], date.fromisoformat(sys.argv[3]))

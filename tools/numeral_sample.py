"""Write the numerals that the ordinary test run reads back: tests/phrases/numerals.csv.

Run by hand. It needs num2words, the oracle of the tests, which is not a dependency of the pipeline; the full
examination (`pytest -m exam`) asks the oracle directly.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "tests" / "phrases" / "numerals.csv"


def main() -> None:
    """Rewrite the sample: every number to 120, round ones, and a fixed draw of larger ones, in every case."""
    from num2words import num2words  # type: ignore[import-not-found]

    draw = random.Random(5)
    numbers = [*range(121), *range(200, 1001, 100), 1000, 2000, 5000, 11000, 21000, 100000, 1000000]
    numbers += sorted(draw.sample(range(121, 1000), 60) + draw.sample(range(1000, 10**6), 60))
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["language", "text", "value"])
        for number in numbers:
            for text in dict.fromkeys(num2words(number, lang="ru", case=case) for case in "ngdaip"):
                writer.writerow(["ru", text, number])
            writer.writerow(["ru", num2words(number, lang="ru", gender="f"), number])
            writer.writerow(["tg", num2words(number, lang="tg"), number])
            writer.writerow(["en", num2words(number), number])


if __name__ == "__main__":
    main()

"""One event, one topic, one filter: the npm listener and the Python listener say the same."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sheetport.listener import matches

HERE = Path(__file__).parent
CASES: dict[str, Any] = json.loads((HERE.parent / "data" / "matching-cases.json").read_text())

Project = Callable[[str], Path]


def npm_verdicts(node: str, project: Path, cases: list[dict[str, Any]]) -> list[bool]:
    """What the unmodified npm package says to each case (event, topic, filter)."""
    script = Path(shutil.copy(HERE / "matching.cjs", project))
    done = subprocess.run(
        [node, script.name], cwd=project, input=json.dumps(cases), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    verdicts: list[bool] = json.loads(done.stdout)
    assert len(verdicts) == len(cases)
    return verdicts


def whole(case: dict[str, Any]) -> dict[str, Any]:
    """The case with its event in it."""
    return {**case, "event": CASES["events"][case["event"]]}


def python_verdict(case: dict[str, Any]) -> bool:
    """What our listener says to a whole case."""
    return matches(case["event"], case["topic"], case.get("filter"))


def test_python_agrees_with_every_case() -> None:
    wrong = [case for case in CASES["cases"] if python_verdict(whole(case)) is not case["matches"]]
    assert wrong == []
    assert {case["matches"] for case in CASES["cases"]} == {True, False}


def test_the_npm_listener_agrees_with_every_case(node: str, node_project: Project) -> None:
    verdicts = npm_verdicts(node, node_project("api-1.23.0"), [whole(case) for case in CASES["cases"]])
    wrong = [case for case, said in zip(CASES["cases"], verdicts, strict=True) if said is not case["matches"]]
    assert wrong == []


def test_both_agree_on_ten_thousand_made_up_cases(node: str, node_project: Project) -> None:
    make = Maker(random.Random(20))  # one seed: the same cases in every run
    cases = [make.case() for _ in range(10_000)]
    verdicts = npm_verdicts(node, node_project("api-1.23.0"), cases)
    wrong = [(case, said) for case, said in zip(cases, verdicts, strict=True) if python_verdict(case) is not said]
    assert wrong[:5] == []
    assert 1_000 < sum(verdicts) < 9_000, "the cases would show nothing if nearly all had one answer"


class Maker:
    """Makes cases of a few letters, so that many match and many nearly do."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def case(self) -> dict[str, Any]:
        """An event with a topic and perhaps a filter."""
        topic = self.text(":", "ab", 4)
        event = {
            "id": "e",
            "topic": topic,
            "domain": "d",
            "context": self.tree(),
            "payload": self.tree(),
            "namespaces": [self.text(":", "ab", 2) for _ in range(self._dice.randrange(3))],
        }
        wanted: Any = self.glob(topic, ":")
        if self._dice.random() < 0.2:
            wanted = [wanted, self.glob(self.text(":", "ab", 3), ":")]
        case = {"event": event, "topic": wanted}
        if self._dice.random() < 0.6:
            case["topic"] = "**"
            case["filter"] = {self.key(): self.wanted() for _ in range(self._dice.choice([1, 1, 1, 2]))}
        return case

    def text(self, separator: str, letters: str, most: int) -> str:
        """Up to ``most`` segments of up to two letters, now and then an empty one."""
        segments = ["".join(self._dice.choices(letters, k=self._dice.choice([0, 1, 1, 1, 2]))) for _ in range(most)]
        return separator.join(segments[: self._dice.randint(1, most)])

    def glob(self, text: str, separator: str) -> str:
        """``text`` with some of its segments and characters made wild, doubled or escaped."""
        segments: list[str] = []
        for segment in text.split(separator):
            wild = [segment, segment, "*", "**", "?", segment[:1] + "*", "*" + segment[1:], "\\" + segment, ""]
            segments += [self._dice.choice(wild)] * self._dice.choice([1, 1, 1, 1, 0, 2])
        return separator.join(segments)

    def tree(self, depth: int = 0) -> Any:
        """A small nested object."""
        return {letter: self.value(depth) for letter in "abc" if self._dice.random() < 0.6}

    def value(self, depth: int) -> Any:
        """A value of any kind JSON has."""
        kind = self._dice.randrange(9)
        if kind == 0 and depth < 3:
            return self.tree(depth + 1)
        if kind == 1:
            return [self.value(3) for _ in range(self._dice.randrange(3))]
        return self._dice.choice([None, True, False, 0, 1, 2.5, "1", "true", "", self.text(":", "ab", 3)])

    def key(self) -> str:
        """A filter's key: a name, a path or a glob over paths."""
        path = ".".join(self._dice.choices(["context", "payload", "a", "b", "c"], k=self._dice.randint(1, 3)))
        return self._dice.choice([path.rpartition(".")[2], path, self.glob(path, "."), f"**.{path}", "namespaces"])

    def wanted(self) -> Any:
        """A filter's value."""
        if self._dice.random() < 0.2:
            return [self.wanted() for _ in range(self._dice.randrange(3))]
        some: list[Any] = [None, True, False, 0, 1, 2.5, "1", "2.5", "true", "", "*", "**", "[object Object]"]
        return self._dice.choice([*some, *[self.glob(self.text(":", "ab", 3), ":") for _ in range(8)]])

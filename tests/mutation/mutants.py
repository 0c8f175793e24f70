"""Small changes of a module's source: cosmic-ray's operators, and two of our own for words.

Not mutmut: its mutants are copies of functions behind a switch, and it leaves decorated functions
and what stands outside of functions alone. The rules are decorated functions.
"""

import ast
import copy
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import parso  # before cosmic_ray, whose own import of it goes in a circle
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.plugins import get_operator

ROOT = Path(__file__).parents[2]
# Three changes of a comparison tell all the others; `x is 5` and `x ** y` for `x & y` prove
# nothing but that Python refuses them.
COMPARISONS = {
    "Eq": ("NotEq", "LtE", "GtE"),
    "NotEq": ("Eq", "Lt", "Gt"),
    "Lt": ("LtE", "GtE", "NotEq"),
    "LtE": ("Lt", "Gt", "Eq"),
    "Gt": ("GtE", "LtE", "NotEq"),
    "GtE": ("Gt", "Lt", "Eq"),
    "Is": ("IsNot",),
    "IsNot": ("Is",),
}
BINARY = {
    "Add": ("Sub",),
    "Sub": ("Add",),
    "Mul": ("Add", "FloorDiv"),
    "Div": ("Mul",),
    "FloorDiv": ("Mul",),
    "Mod": ("Mul",),
    "Pow": ("Mul",),
    "BitAnd": ("BitOr",),
    "BitOr": ("BitAnd",),
    "BitXor": ("BitOr", "BitAnd"),
}
OTHERS = (
    "AddNot",
    "NumberReplacer",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ReplaceFalseWithTrue",
    "ReplaceTrueWithFalse",
    "ReplaceUnaryOperator_Delete_Invert",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_Delete_USub",
    "ZeroIterationForLoop",
)
# Operators look at what a node stands in, so far up.
LEVELS = 3
# What is said to people or cited; other tests read it.
WORDING = frozenset({"message", "remedy", "sources", "denial_codes", "rests_on"})

# Changes that can make no difference, as what they make of a line and what stood there: no text is
# less than the empty one and no length less than 0, `strict` only says of two arrays what the lines
# before make of them, and numpy reads the first letter of a kind of sort and of a side.
SAME = (
    (r'> ""', '!= ""'),
    (r'<= ""', '== ""'),
    (r"(len\(\w+\)) <= 0", r"\1 == 0"),
    (r"strict=False", "strict=True"),
    (r'kind="stable~"', 'kind="stable"'),
    (r'side="(left|right)~"', r'side="\1"'),
)


@dataclass(frozen=True)
class Mutant:
    """One change: where, what stood there, what stands there now, and the whole module with it."""

    path: str
    line: int
    function: str
    operator: str
    before: str
    after: str
    source: str
    nth: int = 1

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").replace("/", ".")

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What stays the same when lines move; like changes of like lines are counted."""
        again = f" [{self.nth}]" if self.nth > 1 else ""
        return self.path, self.function, self.before, self.after + again


class WordReplacer(Operator):
    """Another word in place of one that decides something."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        if node.type == "string" and not node.string_prefix and not _is_said(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        quote = node.value[-1]
        node.value = f"{node.value[:-1]}~{quote}"
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example('x = "26"', 'x = "26~"'),)


class MembershipReplacer(Operator):
    """`in` and `not in` for each other."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        if node.type == "comparison":
            for child in node.children[1::2]:
                if child.get_code().split() in (["in"], ["not", "in"]):
                    yield child.start_pos, child.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        places = [
            place
            for place, child in enumerate(node.children)
            if place % 2 and child.get_code().split() in (["in"], ["not", "in"])
        ]
        was = node.children[places[index]].get_code().split()
        node.children[places[index]] = parso.parse(" in" if was == ["not", "in"] else " not in")
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("x in y", "x not in y"), Example("x not in y", "x in y"))


def _is_said(node: Any) -> bool:
    """Docstrings, quoted types, and the words of a decorator that people read."""
    parent = node.parent
    while parent is not None:
        if parent.type in ("annassign", "tfpdef", "param", "trailer") and _is_type(node, parent):
            return True
        if parent.type == "argument" and parent.children[0].get_code().strip() in WORDING:
            return True
        if parent.type in ("simple_stmt", "expr_stmt", "funcdef"):
            break
        parent = parent.parent
    holder = node.parent
    return holder is not None and (
        (holder.type == "simple_stmt" and holder.children[0] is node)
        or (holder.type == "funcdef" and "->" in [c.get_code().strip() for c in holder.children])
        or _returns_type(node)
    )


def _is_type(node: Any, parent: Any) -> bool:
    if parent.type in ("annassign", "tfpdef"):
        return True
    return parent.type == "param" and ":" in parent.get_code() and node.value[1:4] == "pd."


def _returns_type(node: Any) -> bool:
    return re.match(r"""["']pd\.""", node.value) is not None


@cache
def operators() -> tuple[tuple[str, Any], ...]:
    """Each operator by its name."""
    names = [
        *(f"ReplaceComparisonOperator_{a}_{b}" for a, many in COMPARISONS.items() for b in many),
        *(f"ReplaceBinaryOperator_{a}_{b}" for a, many in BINARY.items() for b in many),
        *OTHERS,
    ]
    theirs = [(name, get_operator(f"core/{name}")()) for name in names]
    return (
        *theirs,
        ("WordReplacer", WordReplacer()),
        ("MembershipReplacer", MembershipReplacer()),
    )


def mutants_of(path: str) -> list[Mutant]:
    """All mutants of a module, from top to bottom, each text once."""
    source = (ROOT / path).read_text(encoding="utf-8")
    functions = _functions(source)
    nodes = list(ast_nodes(get_ast(source)))
    lengths = (len(line) for line in source.splitlines(keepends=True))
    starts = [0, *accumulate(lengths)]
    found: dict[str, Mutant] = {}
    for name, operator in operators():
        for node in nodes:
            for index, ((line, _), _) in enumerate(operator.mutation_positions(node)):
                changed = _with_change(source, starts, node, operator, index)
                if changed in found or not _compiles(changed):
                    continue
                before, after = _differing(source, changed)
                if _means_the_same(before, after):
                    continue
                where = functions.get(line, "")
                found[changed] = Mutant(path, line, where, name, before, after, changed)
    return _counted(sorted(found.values(), key=lambda one: (one.line, one.operator, one.after)))


def _counted(mutants: list[Mutant]) -> list[Mutant]:
    seen: Counter[tuple[str, ...]] = Counter()
    counted = []
    for one in mutants:
        seen[one.key] += 1
        counted.append(replace(one, nth=seen[one.key]))
    return counted


def _means_the_same(before: str, after: str) -> bool:
    return any(re.sub(new, old, after) == before for new, old in SAME)


def _with_change(source: str, starts: list[int], node: Any, operator: Operator, index: int) -> str:
    """The source with one node changed; parsing it anew for each change takes far longer."""
    top, way = node, []
    while top.parent.parent is not None and len(way) < LEVELS:
        way.append(top.parent.children.index(top))
        top = top.parent
    above, top.parent = top.parent, None
    try:
        within = copy.deepcopy(top)
    finally:
        top.parent = above
    for place in reversed(way):
        within = within.children[place]
    changed = operator.mutate(within, index)
    (line, column), (last_line, last_column) = node.get_start_pos_of_prefix(), node.end_pos
    text = changed.get_code() if changed is not None else ""
    return (
        source[: starts[line - 1] + column] + text + source[starts[last_line - 1] + last_column :]
    )


def _compiles(source: str) -> bool:
    """Whether it is Python; the `*` of a signature is no product."""
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _differing(source: str, changed: str) -> tuple[str, str]:
    """The lines that differ, without their indentation."""
    old, new = source.splitlines(), changed.splitlines()
    while old and new and old[0] == new[0]:
        old, new = old[1:], new[1:]
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return tuple(" ".join(" ".join(lines).split()) for lines in (old, new))  # type: ignore[return-value]


def _functions(source: str) -> dict[int, str]:
    """The function, with its decorators, in which each line stands."""
    found: dict[int, str] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            for line in range(first, (node.end_lineno or first) + 1):
                found.setdefault(line, node.name)
    return found

"""Discovery of plugins: a broken one is listed with the reason, and the others still work."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import pluggy

from qabench.base.interruption import SIGNALS
from qabench.base.suggestions import did_you_mean
from qabench.base.terminal import safe
from qabench.base.validation import fill_defaults, first_problem
from qabench.errors import PluginError
from qabench.plugins import hookspecs
from qabench.plugins.guarding import guarded, named_if_slow, reason_of
from qabench.plugins.hookspecs import HOOKSPEC_VERSION, PROJECT, VERSION_ATTRIBUTE, HeadSpec

if TYPE_CHECKING:
    from qabench.heads import Head

# A name is also a folder, and file systems have limits.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
HEADS_HOOK = "qabench_heads"


@dataclass(frozen=True, slots=True)
class InstalledHead:
    """A head that can be run, and the distribution it comes from."""

    spec: HeadSpec
    distribution: str
    version: str

    @property
    def name(self) -> str:
        """The name that ``--plugin`` takes."""
        return self.spec.name

    def __str__(self) -> str:
        return f"Plugin {self.name!r} ({self.distribution} {self.version})"

    def options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The head's options with defaults filled in.

        Raises:
            PluginError: an option is unknown to this head or has a wrong value.
        """
        return filled_options(self.spec, given)

    def build(self, hidden_size: int, options: Mapping[str, Any]) -> Head:
        """A head, initialised from torch's generator.

        Raises:
            PluginError: as for :func:`build_head`.
        """
        return build_head(self.spec, hidden_size, options, str(self))


def filled_options(spec: HeadSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """A head's options with defaults filled in.

    Raises:
        PluginError: an option is unknown to this head or has a wrong value.
    """
    schema = {
        "type": "object",
        "properties": dict(spec.options),
        "additionalProperties": False,
    }
    problem = first_problem(schema, given)
    if problem:
        raise PluginError(
            f"Plugin {spec.name!r} does not take these head options: {problem}; "
            f"correct [head] in the benchmark file, or --set head.*."
        )
    return fill_defaults(schema, given)


def build_head(
    spec: HeadSpec, hidden_size: int, options: Mapping[str, Any], owner: str = ""
) -> Head:
    """A head, initialised from torch's generator.

    Args:
        spec: its plugin's.
        hidden_size: H.
        options: with defaults filled in.
        owner: plugin and version, as the beginning of a sentence.

    Raises:
        PluginError: the plugin's ``build`` raised, or did not return a head.
    """
    from qabench.heads import Head

    owner = owner or f"Plugin {spec.name!r}"
    with guarded(owner, "build"):
        head = spec.build(hidden_size, options)
    if not isinstance(head, Head):
        raise PluginError(
            f"{owner} built a {type(head).__name__}, which is not a "
            f"qabench.heads.Head; derive it from that class."
        )
    return head


@dataclass(frozen=True, slots=True, eq=False)
class InstalledPlugin:
    """A usable plugin, whose hooks are called apart from those of other plugins.

    Attributes:
        name: of its entry point.
        manager: pluggy's, with only this plugin.
    """

    name: str
    distribution: str
    version: str
    manager: pluggy.PluginManager

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"

    @property
    def hooks(self) -> tuple[str, ...]:
        """The names of the hooks that it implements."""
        (plugin,) = self.manager.get_plugins()
        return tuple(sorted(one.name for one in self.manager.get_hookcallers(plugin) or ()))

    def answer(self, hook: str, **arguments: object) -> object:
        """What its implementation of a hook returns; ``None`` if it has none."""
        # pluggy gives a list of all answers, and leaves out those of None.
        answers = getattr(self.manager.hook, hook)(**arguments)
        return answers[0] if answers else None


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """An entry point that could not be used, and why."""

    name: str
    distribution: str
    version: str
    reason: str


@dataclass(frozen=True, slots=True)
class Registry:
    """All plugins found.

    Attributes:
        heads: the usable heads, by name.
        broken: the entry points that cannot be used.
        plugins: the usable plugins, with a head or without.
    """

    heads: tuple[InstalledHead, ...]
    broken: tuple[BrokenPlugin, ...]
    plugins: tuple[InstalledPlugin, ...] = ()

    def head(self, name: str) -> InstalledHead:
        """The one head called ``name``.

        Raises:
            PluginError: no head, a broken plugin, or several heads have this name.
        """
        found = [head for head in self.heads if head.name == name]
        if len(found) == 1:
            return found[0]
        if found:
            owners = " and ".join(sorted(head.distribution for head in found))
            raise PluginError(
                f"Two plugins are called {name!r}, from {owners}; uninstall one of them."
            )
        for plugin in self.broken:
            if plugin.name == name:
                raise PluginError(
                    f"Plugin {name!r} from {plugin.distribution} {plugin.version} is broken: "
                    f"{plugin.reason}; repair or reinstall it."
                )
        for other in self.plugins:
            if other.name == name:
                raise PluginError(
                    f"Plugin {name!r} from {other} has no head of that name; {self._hint(name)}."
                )
        raise PluginError(f"There is no plugin {name!r}; {self._hint(name)}.")

    def _hint(self, name: str) -> str:
        return did_you_mean(name, (head.name for head in self.heads), "no plugin is installed")

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Name, distribution, version and summary of the heads, then of the plugins without one,
        then of the broken ones, whose summary is the reason.
        """
        conflict = "CONFLICT: another plugin has this name"
        heads = [
            (
                one.name,
                one.distribution,
                one.version,
                conflict if one.name in self.duplicates else one.spec.summary,
            )
            for one in self.heads
        ]
        headless = [
            (one.name, one.distribution, one.version, f"no head; {', '.join(one.hooks)}")
            for one in self.plugins
            if HEADS_HOOK not in one.hooks
        ]
        broken = [
            (one.name, one.distribution, one.version, f"BROKEN: {one.reason}")
            for one in self.broken
        ]
        return heads + headless + broken

    @property
    def duplicates(self) -> frozenset[str]:
        """Names that several plugins claim, so that none of these can be selected."""
        counts = Counter(head.name for head in self.heads)
        return frozenset(name for name, count in counts.items() if count > 1)


def discover(found: Iterable[EntryPoint] | None = None) -> Registry:
    """Load every entry point of the group ``qabench`` and ask each for its heads.

    Args:
        found: entry points to load instead of the installed ones.
    """
    heads: list[InstalledHead] = []
    plugins: list[InstalledPlugin] = []
    broken: list[BrokenPlugin] = []
    for point in entry_points(group=PROJECT) if found is None else found:
        name = point.dist.name if point.dist else "unknown distribution"
        version = point.dist.version if point.dist else "?"
        try:
            with named_if_slow(f"Plugin {point.name!r} ({name} {version})", "be imported"):
                plugin = InstalledPlugin(point.name, name, version, _manager(point, name))
                specs = _specs_of(plugin)
        except SIGNALS:
            raise
        # sys.exit(), pytest.skip() and Rust panics at import must not end the command.
        except BaseException as error:
            broken.append(BrokenPlugin(point.name, name, version, reason_of(error)))
        else:
            plugins.append(plugin)
            heads.extend(InstalledHead(spec, name, version) for spec in specs)
    heads.sort(key=lambda head: (head.name, head.distribution))
    plugins.sort(key=lambda one: (one.distribution, one.name))
    return Registry(tuple(heads), tuple(broken), tuple(plugins))


def _manager(point: EntryPoint, distribution: str) -> pluggy.PluginManager:
    """A manager of one plugin, so that a hook that fails does not keep others from being called."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    plugin = point.load()
    _refuse_other_hookspec(getattr(plugin, VERSION_ATTRIBUTE, None), distribution)
    manager.register(plugin, name=point.name)
    manager.check_pending()
    if not manager.get_hookcallers(plugin):
        raise PluginError("it implements no qabench hook")
    return manager


def _refuse_other_hookspec(asked: object, distribution: str) -> None:
    """Refuse a plugin that needs another version of the hooks; ``None`` needs none."""
    match asked:
        case None:
            return
        case (int() as major, int() as minor):
            if major == HOOKSPEC_VERSION[0] and minor <= HOOKSPEC_VERSION[1]:
                return
        case _:
            raise PluginError(
                f"its {VERSION_ATTRIBUTE} is {asked!r}, not a pair such as {HOOKSPEC_VERSION}"
            )
    older = (major, minor) < HOOKSPEC_VERSION
    raise PluginError(
        f"it asks for version {major}.{minor} of the plugin hooks and this qabench has "
        f"{HOOKSPEC_VERSION[0]}.{HOOKSPEC_VERSION[1]}: upgrade "
        f"{distribution if older else 'qabench'}"
    )


def _specs_of(plugin: InstalledPlugin) -> list[HeadSpec]:
    if HEADS_HOOK not in plugin.hooks:
        return []
    answer = plugin.answer(HEADS_HOOK)
    return [checked_spec(spec) for spec in listed(answer, HEADS_HOOK, HeadSpec)]


def listed(answer: object, hook: str, kind: type) -> list[object]:
    """What a hook returned, as a list.

    Raises:
        PluginError: it is not a list or another iterable.
    """
    if isinstance(answer, (kind, str)) or not isinstance(answer, Iterable):
        raise PluginError(
            f"its {hook} hook returned {type(answer).__name__}, not a list of {kind.__name__}"
        )
    return list(answer)


def checked_spec(spec: object) -> HeadSpec:
    """``spec`` itself.

    Raises:
        PluginError: it is not a HeadSpec, or one of its fields cannot be used.
    """
    if not isinstance(spec, HeadSpec):
        raise PluginError(f"its qabench_heads hook returned a {type(spec).__name__} in its list")
    if not isinstance(spec.name, str) or not NAME.fullmatch(spec.name):
        raise PluginError(
            f"head name {safe(repr(spec.name))} is not made of letters, digits, '_' and '-', at "
            f"most 100 of them"
        )
    problem = _field_problem(spec)
    if problem:
        raise PluginError(f"head {spec.name!r}: {problem}")
    return spec


def _field_problem(spec: HeadSpec) -> str | None:
    """What is wrong with a HeadSpec, whose fields may be of any type."""
    if not callable(spec.build):
        return f"its build is a {type(spec.build).__name__}, which is not callable"
    if not isinstance(spec.summary, str) or not spec.summary.strip() or "\n" in spec.summary:
        return f"its summary is {spec.summary!r}, not one line of text"
    rate = spec.learning_rate
    if rate is not None and not _is_positive(rate):
        return f"its learning rate is {rate!r}, not a number above 0"
    if not isinstance(spec.options, Mapping):
        return f"its options are a {type(spec.options).__name__}, not a mapping"
    problems = (_option_problem(name, rule) for name, rule in spec.options.items())
    return next(filter(None, problems), None)


def _is_positive(rate: object) -> bool:
    # A truth value is a number in Python.
    if isinstance(rate, bool) or not isinstance(rate, int | float):
        return False
    return 0 < rate < math.inf


def _option_problem(name: object, rule: object) -> str | None:
    """What is wrong with an option, whose schema every run relies on."""
    import jsonschema

    if not isinstance(name, str) or not isinstance(rule, Mapping):
        return f"option {name!r} is {rule!r}, not a JSON Schema"
    try:
        jsonschema.Draft202012Validator.check_schema(dict(rule))
    except jsonschema.SchemaError as error:
        return f"option {name!r} is not a JSON Schema: {error.message}"
    if "default" not in rule:
        return f"option {name!r} has no default"
    try:
        problem = first_problem({"properties": {name: rule}}, {name: rule["default"]})
    # A reference to nowhere, a pattern that is no regular expression.
    except Exception as error:
        return f"option {name!r} is not a JSON Schema that can be used: {reason_of(error)}"
    return f"the default of {problem}" if problem else None

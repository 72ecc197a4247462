"""The errors a user can cause, each with the exit code of the command that meets it.

Every message is one sentence in three parts: what is wrong, where, and how to fix it.
"""


class QABenchError(Exception):
    """Base of every error that a user can fix; the CLI prints it without a traceback."""

    exit_code = 1


class BenchmarkError(QABenchError):
    """A benchmark file, or a ``--set`` override of it, is not valid."""

    exit_code = 3


class DataError(QABenchError):
    """A data or predictions file cannot be read, or a record in it is wrong."""

    exit_code = 4


class PluginError(QABenchError):
    """A plugin is unknown, ambiguous, broken, or breaks the head contract."""

    exit_code = 5


class BackboneError(QABenchError):
    """An encoder or its tokenizer cannot be loaded without a silent mistake."""

    exit_code = 6


class RunError(QABenchError):
    """A run directory cannot be used, or training or prediction went wrong."""

    exit_code = 7


class DivergedError(RunError):
    """Losses or scores became NaN or infinite in training.

    Attributes:
        finding: which ones and where, without the advice that ends the message.
    """

    def __init__(self, finding: str) -> None:
        super().__init__(
            f"{finding}: training diverged; lower training.learning_rate or "
            f"training.head_learning_rate, or set training.precision to fp32."
        )
        self.finding = finding


class ReportError(QABenchError):
    """A report is missing or does not validate against its schema."""

    exit_code = 8


class OutputError(QABenchError):
    """The output of a command cannot be written: a full disk, or a closed stdout."""

    exit_code = 9


class SignalError(QABenchError):
    """A signal ended the command; the exit code is 128 and the signal's number, as in a shell."""

    def __init__(self, message: str, signal: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal

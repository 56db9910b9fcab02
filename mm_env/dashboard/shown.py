"""What pages share: errors shown as messages, empty states, charts of one look."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import streamlit as st

from mm_env.dashboard.folders import folders_with, runs_folder
from mm_env.errors import Error

TYPED = "another folder …"


@contextlib.contextmanager
def errors_shown() -> Iterator[None]:
    """Show a user's error as a message, one line a problem, and continue after the block."""
    try:
        yield
    except Error as error:
        show_error(error)


def show_error(error: Exception) -> None:
    """Show the message of an error as it stands: its characters are not Markdown."""
    st.error("  \n".join(_literal(line) for line in str(error).splitlines()), icon=":material/error:")


def _literal(text: str) -> str:
    for character in "\\`*_[]$<:~#":
        text = text.replace(character, f"\\{character}")
    return text


def chart(figure: Any, key: str) -> None:
    """Draw a figure over the whole width, in the colours that it comes with."""
    st.plotly_chart(figure, key=key, theme=None, config={"displaylogo": False, "displayModeBar": False})


def choose_folder(what: str, command: str, *names: str) -> Path | None:
    """Let a folder be chosen among those below the folder of runs that hold files of these names, or typed.

    what: as "a run"; command: creates such a folder, shown where there is none
    """
    root = runs_folder()
    found = [str(path) for path in folders_with(root, *names)]
    choice = st.selectbox(
        f"Folder of {what}",
        [*found, TYPED],
        index=0,
        help=f"Below {root}, the newest first.",
        key=f"folder of {what}",
    )
    if choice != TYPED:
        return Path(choice)
    typed = st.text_input("Path", key=f"path of {what}", placeholder=f"{root}/…")
    if not found:
        st.info(f"Below `{root}` lies no folder of {what} yet. This makes one:", icon=":material/info:")
        st.code(command, language="bash")
    return Path(typed).expanduser() if typed else None


def offer_report(folder: Path, episode: int | None = None) -> None:
    """Buttons that make the report of a folder, as a page or as a document, and then offer it for download.

    episode: of a run, the recorded one that is drawn
    """
    page, document, _ = st.columns([1, 1, 2])
    _offer(page, folder, episode, "HTML", "text/html")
    _offer(document, folder, episode, "PDF", "application/pdf")


def _offer(column: Any, folder: Path, episode: int | None, form: str, kind: str) -> None:
    of = f"{folder}, {episode}, {folder.stat().st_mtime_ns}"
    kept = st.session_state.get(f"report {form}")  # the newest alone: one holds megabytes
    content = kept[1] if kept is not None and kept[0] == of else None
    if content is None:
        if not column.button(f"Make a report ({form})", icon=":material/description:", width="stretch", key=f"make {form}"):
            return
        with errors_shown(), st.spinner("Writing the report."):
            content = _report(folder, episode, form)
            st.session_state[f"report {form}"] = (of, content)
    if content is not None:
        column.download_button(
            f"report.{form.lower()}", content, f"{folder.resolve().name}_report.{form.lower()}", kind, type="primary",
            icon=":material/download:", width="stretch", key=f"take {form}",
        )  # fmt: skip


def _report(folder: Path, episode: int | None, form: str) -> bytes:
    from mm_env.reports.report import read_report
    from mm_env.reports.report.html import html_of
    from mm_env.reports.report.pdf import pdf_of

    report = read_report(folder, episode)
    return html_of(report).encode() if form == "HTML" else pdf_of(report)

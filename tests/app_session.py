"""A session of the app on Streamlit's own runtime, without a browser. `python tests/app_session.py N` uploads N files in one."""

import asyncio
import gc
import sys
from pathlib import Path
from typing import Any, Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs, UploadedFileInfo
from streamlit.runtime import Runtime, RuntimeConfig
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

MAIN = Path(__file__).resolve().parents[1] / "src" / "mlpaygrade" / "app" / "main.py"


class Browser:
    """What stands for the browser: it keeps the widgets' ids and texts of errors, and nothing else of what it is sent."""

    client_context = None

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        self.runs = 0
        self.errors: list[str] = []
        self.notes: list[str] = []

    def write_forward_msg(self, message: Any) -> None:
        if message.WhichOneof("type") == "script_finished":
            self.runs += 1
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind in ("file_uploader", "text_area"):
            self.ids.setdefault(kind, getattr(element, kind).id)
        if kind == "exception":
            self.errors.append(element.exception.message)
        if kind == "alert":
            self.notes.append(element.alert.body)


class AppSession:
    """`with AppSession() as session: session.upload(b"...")`."""

    def __enter__(self) -> Self:
        self.browser = Browser()
        self.loop = asyncio.new_event_loop()
        self.files = MemoryUploadedFileManager("/upload")
        media = MemoryMediaFileStorage("/media")
        self.runtime = Runtime(RuntimeConfig(str(MAIN), media_file_storage=media, uploaded_file_manager=self.files))
        self.loop.run_until_complete(self.runtime.start())
        self.id = self.loop.run_until_complete(self._connected())
        self.state: dict[str, Any] = {}
        self.run()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.run_until_complete(self._ended())
        self.loop.close()
        Runtime._instance = None

    async def _connected(self) -> str:
        return self.runtime.connect_session(client=self.browser, user_info={})

    async def _ended(self) -> None:
        self.runtime.close_session(self.id)
        self.runtime.stop()
        await self.runtime.stopped

    def run(self) -> None:
        """Draw the page with the widgets as they stand."""
        message, before = BackMsg(), self.browser.runs
        message.rerun_script.query_string = "page=benchmark"
        for kind, value in self.state.items():
            widget = message.rerun_script.widget_states.widgets.add(id=self.browser.ids[kind])
            if kind == "text_area":
                widget.string_value = value
            else:
                widget.file_uploader_state_value.uploaded_file_info.append(value)

        async def finished() -> None:
            self.runtime.handle_backmsg(self.id, message)
            while self.browser.runs == before:
                await asyncio.sleep(0.01)

        self.loop.run_until_complete(finished())
        assert not self.browser.errors, self.browser.errors

    def upload(self, content: bytes) -> None:
        """Put a file in the place of the one before, as the browser does."""
        if "file_uploader" in self.state:
            self.files.remove_file(self.id, self.state["file_uploader"].file_id)
        name = f"file-{self.browser.runs}"
        self.files.add_file(self.id, UploadedFileRec(name, "rows.csv", "text/csv", content))
        urls = FileURLs(file_id=name, upload_url="/u", delete_url="/d")
        self.state = {
            "file_uploader": UploadedFileInfo(file_id=name, name="rows.csv", size=len(content), file_urls=urls)
        }
        self.run()

    def paste(self, text: str) -> None:
        """Paste rows."""
        self.state = {"text_area": text}
        self.run()


def resident_mib() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def main() -> None:
    head = "Job title,Level,Company country,Currency,Pay\n"
    files = [
        (head + f"Data Engineer {n},Senior,Germany,EUR,{70_000 + n}\n" * 200).encode() for n in range(int(sys.argv[1]))
    ]
    with AppSession() as session:
        for content in files[:5]:
            session.upload(content)
        before = resident_mib()
        for content in files:
            session.upload(content)
        print(f"{resident_mib() - before:.1f}")


if __name__ == "__main__":
    main()

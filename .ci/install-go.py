"""Installs Go from the proxy of Go modules: install-go.py VERSION DIRECTORY."""

import io
import pathlib
import platform
import shutil
import sys
import urllib.request
import zipfile

version, directory = sys.argv[1], pathlib.Path(sys.argv[2])
machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
name = f"golang.org/toolchain@v0.0.1-go{version}.linux-{machine}"
address = f"https://proxy.golang.org/{name.replace('@', '/@v/')}.zip"

shutil.rmtree(directory, ignore_errors=True)
with urllib.request.urlopen(address) as answer, zipfile.ZipFile(io.BytesIO(answer.read())) as archive:
    for entry in archive.infolist():
        path = directory / entry.filename.removeprefix(name + "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(archive.read(entry))
        if path.parent.name == "bin" or "pkg/tool" in str(path):
            path.chmod(0o755)

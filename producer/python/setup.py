"""What pyproject.toml cannot say: the accelerator, built where it can be, and the library, bundled where ARBITER_BUNDLE says so."""

import os
import shutil
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel  # 70.1 and later
except ImportError:
    from wheel.bdist_wheel import bdist_wheel

HERE = Path(__file__).resolve().parent
SONAME = "libarbiter_producer.so.1"
BUNDLE = os.environ.get("ARBITER_BUNDLE")
PURE = os.environ.get("ARBITER_PURE", "") not in ("", "0")


class BuildPy(build_py):
    def run(self) -> None:
        super().run()
        if BUNDLE:
            shutil.copyfile(BUNDLE, Path(self.build_lib, "arbiter", SONAME))


class Wheel(bdist_wheel):
    def finalize_options(self) -> None:
        super().finalize_options()
        if BUNDLE:
            self.root_is_pure = False

    def get_tag(self) -> "tuple[str, str, str]":
        python, abi, platform = super().get_tag()
        return ("py3", "none", platform) if BUNDLE and not extensions else (python, abi, platform)


headers = [str(path) for path in (HERE.parent / "include", HERE / "include") if (path / "arbiter/producer.h").exists()]
extensions = []
if not PURE and (HERE / "src/arbiter/_native.c").exists():
    extensions = [
        Extension(
            "arbiter._native",
            ["src/arbiter/_native.c"],
            include_dirs=headers,
            depends=["src/arbiter/_native_fields.h"],
            define_macros=[("Py_LIMITED_API", "0x030A0000")],
            extra_compile_args=["-O2", "-Wall", "-Wextra"],
            py_limited_api=True,
            optional=True,
        )
    ]
setup(
    ext_modules=extensions,
    cmdclass={"build_py": BuildPy, "bdist_wheel": Wheel},
    options={"bdist_wheel": {"py_limited_api": "cp310"}} if extensions else {},
)

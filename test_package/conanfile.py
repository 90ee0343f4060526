# SPDX-License-Identifier: BSL-1.0
"""Builds and runs a program for each component of the package: those of tests/package/consumer."""

import os

from conan import ConanFile
from conan.tools.build import can_run
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout


class CofferTestPackage(ConanFile):
    settings = "os", "arch", "compiler", "build_type"
    test_type = "explicit"

    def requirements(self):
        self.requires(self.tested_reference_str)

    def layout(self):
        cmake_layout(self)

    @property
    def _components(self):
        options = self.dependencies["coffer"].options
        return ["core", "testing", *(c for c in ("http", "llm", "sqlite", "zones") if options.get_safe(f"with_{c}"))]

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.user_presets_path = False
        toolchain.cache_variables["CONSUMED"] = ",".join(self._components)
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def test(self):
        if can_run(self):
            for component in self._components:
                self.run(os.path.join(self.cpp.build.bindir, f"use_{component}"), env="conanrun")

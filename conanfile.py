# SPDX-License-Identifier: BSL-1.0
"""The recipe of coffer for Conan 2: `conan create . -o "&:with_http=True"`; docs/install.md has the rest.

The headers are always there, whatever the options say: they decide what is required along with them, and which targets
CMake is told of. So there is one package for every configuration.
"""

import re
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy
from conan.tools.layout import basic_layout
from conan.tools.scm import Version

required_conan_version = ">=2.0"

# As in cmake/cofferDependencies.cmake, which has the reasons; the upper ends are the versions that nobody has tried yet.
DEPENDENCIES = {
    "core": ["asio/[>=1.22.1 <2]", "tl-expected/[>=1.0 <2]"],
    "http": ["libcurl/[>=7.80 <9]"],
    "llm": ["nlohmann_json/[>=3.10 <4]", "openssl/[>=3.0 <4]"],
    "sqlite": ["sqlite3/[>=3.35 <4]", "openssl/[>=3.0 <4]"],
    "zones": ["date/[>=3.0 <4]"],
}
# What a component links, by the names that Conan Center's recipes give their own components.
LINKS = {
    "core": ["asio::asio", "tl-expected::tl-expected"],
    "testing": ["core"],
    "http": ["core", "libcurl::libcurl"],
    "llm": ["http", "nlohmann_json::nlohmann_json", "openssl::crypto"],
    "sqlite": ["core", "sqlite3::sqlite3", "openssl::crypto"],
    "zones": ["core", "date::date"],
}
OLDEST = {"gcc": "12", "clang": "19"}  # that the tests run with


class CofferRecipe(ConanFile):
    name = "coffer"
    description = "LLM calls in policies: retried where it helps, and billed at most a declared number of times"
    license = "BSL-1.0"
    topics = ("llm", "retry", "resilience", "circuit-breaker", "rate-limit", "budget", "asio", "coroutines", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {f"with_{component}": [True, False] for component in ("http", "llm", "sqlite", "zones")}
    default_options = {option: False for option in options}
    options_description = {
        "with_http": "coffer::http, the transport: requires libcurl",
        "with_llm": "coffer::llm, OpenAI's chat completions: requires with_http, nlohmann_json and OpenSSL",
        "with_sqlite": "coffer::sqlite, the durable store: requires SQLite and OpenSSL",
        "with_zones": "coffer::zones, time zones by name: requires date where the standard library has none",
    }
    exports_sources = "include/*", "LICENSE"
    no_copy_source = True

    def set_version(self):
        header = Path(self.recipe_folder, "include", "coffer", "version.hpp").read_text(encoding="utf-8")
        self.version = re.search(r'COFFER_VERSION_STRING "([^"]+)"', header)[1]

    def layout(self):
        basic_layout(self)

    @property
    def _components(self):
        return ["core", "testing", *(c for c in ("http", "llm", "sqlite", "zones") if self.options.get_safe(f"with_{c}"))]

    @property
    def _has_time_zones(self):
        """Whether the standard library reads the time zone database: libstdc++ does from 14 on."""
        return self.settings.compiler == "gcc" and Version(self.settings.compiler.version) >= "14"

    def requirements(self):
        wanted = []
        for component in self._components:
            if component != "zones" or not self._has_time_zones:
                wanted += DEPENDENCIES.get(component, [])
        for reference in dict.fromkeys(wanted):
            options = {"tz_db": "system"} if reference.startswith("date/") else None
            self.requires(reference, transitive_headers=True, transitive_libs=True, options=options)

    def validate(self):
        if self.options.with_llm and not self.options.with_http:
            raise ConanInvalidConfiguration(
                f"coffer::llm stands on coffer::http: with_llm=True needs with_http=True too (-o '{self.name}/*:with_http=True')"
            )
        compiler = str(self.settings.compiler)
        oldest = OLDEST.get(compiler)
        if oldest is None:
            self.output.warning(f"coffer is tested with gcc >= 12 and clang >= 19; nobody has tried {compiler}")
        elif Version(self.settings.compiler.version) < oldest:
            raise ConanInvalidConfiguration(
                f"coffer needs {compiler} >= {oldest} for its coroutines, this profile has {compiler} "
                f"{self.settings.compiler.version}: set compiler.version, and CC and CXX, to a newer one"
            )
        if not self.settings.get_safe("compiler.cppstd"):
            raise ConanInvalidConfiguration("coffer is C++20, and this profile names no standard: add -s compiler.cppstd=20")
        try:
            check_min_cppstd(self, 20)
        except ConanInvalidConfiguration as problem:
            raise ConanInvalidConfiguration(
                f"coffer is C++20, this profile has compiler.cppstd={self.settings.compiler.cppstd}: set it to 20 or 23"
            ) from problem

    def package_id(self):
        self.info.clear()

    def package(self):
        copy(self, "LICENSE", self.source_folder, Path(self.package_folder, "licenses"))
        copy(self, "*.?pp", Path(self.source_folder, "include"), Path(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.set_property("cmake_file_name", "coffer")
        for component in self._components:
            part = self.cpp_info.components[component]
            core = component == "core"
            part.set_property("cmake_target_name", "coffer::coffer" if core else f"coffer::{component}")
            part.set_property("pkg_config_name", "coffer" if core else f"coffer-{component}")
            part.bindirs = []
            part.libdirs = []
            part.requires = LINKS[component]
            if component == "zones" and self._has_time_zones:
                part.requires = ["core"]
        core = self.cpp_info.components["core"]
        core.defines = ["ASIO_STANDALONE"]
        # Until 1.26 Asio looked for coroutines in a way that Clang with libstdc++ does not answer.
        if "clang" in str(self.settings.compiler) and Version(self.dependencies["asio"].ref.version) < "1.26":
            core.defines += ["ASIO_HAS_CO_AWAIT=1", "ASIO_HAS_STD_COROUTINE=1"]
        if self.settings.os in ("Linux", "FreeBSD"):
            core.system_libs = ["pthread"]

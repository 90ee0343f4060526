# SPDX-License-Identifier: BSL-1.0
"""A library that the system has installed, under the name, targets and components of its recipe in Conan Center.

With these coffer's own recipe is tested where Conan Center cannot be reached: `conan export . --name asio --version 1.22.1`.
"""

from conan import ConanFile

# name: (CMake file, {component: (CMake target, pkg-config name, libraries)}); the component None is the library as a whole
LIBRARIES = {
    "asio": ("asio", {None: ("asio::asio", "asio", [])}),
    "tl-expected": ("tl-expected", {None: ("tl::expected", "tl-expected", [])}),
    "libcurl": ("CURL", {"curl": ("CURL::libcurl", "libcurl", ["curl"])}),
    "nlohmann_json": ("nlohmann_json", {None: ("nlohmann_json::nlohmann_json", "nlohmann_json", [])}),
    "openssl": (
        "OpenSSL",
        {"crypto": ("OpenSSL::Crypto", "libcrypto", ["crypto"]), "ssl": ("OpenSSL::SSL", "libssl", ["ssl"])},
    ),
    "sqlite3": ("SQLite3", {"sqlite": ("SQLite::SQLite3", "sqlite3", ["sqlite3"])}),
    "date": ("date", {"date-tz": ("date::date-tz", "date-tz", ["date-tz"])}),
}


class OfTheSystem(ConanFile):
    settings = "os"
    options = {"tz_db": ["download", "system", "manual"]}  # of date; the others leave it alone
    default_options = {"tz_db": "download"}

    def config_options(self):
        if self.name != "date":
            del self.options.tz_db

    def validate(self):
        assert self.name != "date" or self.options.tz_db == "system", "coffer reads the system's time zone database"

    def package_id(self):
        self.info.clear()

    def package_info(self):
        file_name, components = LIBRARIES[self.name]
        self.cpp_info.set_property("cmake_file_name", file_name)
        self.cpp_info.set_property("cmake_find_mode", "both")
        for component, (target, module, libraries) in components.items():
            part = self.cpp_info.components[component] if component else self.cpp_info
            part.set_property("cmake_target_name", target)
            part.set_property("pkg_config_name", module)
            part.system_libs = libraries
            part.includedirs = part.libdirs = part.bindirs = []

// SPDX-License-Identifier: BSL-1.0
#include "port_file.hpp"

#include <unistd.h>

#include <fstream>
#include <stdexcept>

namespace provider_sim {

void write_port_file(std::filesystem::path const& path, std::uint16_t port) {
    auto beside = path;
    beside += ".tmp." + std::to_string(::getpid());
    {
        std::ofstream out{beside, std::ios::trunc};
        out << port << '\n';
        out.flush();
        if (!out) throw std::runtime_error{"--port-file " + path.string() + " cannot be written"};
    }
    std::error_code error;
    std::filesystem::rename(beside, path, error);
    if (error) throw std::runtime_error{"--port-file " + path.string() + ": " + error.message()};
}

}  // namespace provider_sim

// SPDX-License-Identifier: BSL-1.0
// provider_sim: an LLM provider to test against. Manual: docs/provider_sim.md
// Exit codes: 0 ended by a signal, 1 could not go on, 2 a mistake on the command line or in the script.

#include <exception>
#include <iostream>

#include "base/bad_input.hpp"
#include "net/server.hpp"
#include "options.hpp"
#include "port_file.hpp"

namespace {

int run(int argc, char** argv) {
    bool done = false;
    auto const options = provider_sim::parse_command_line(argc, argv, done);
    if (done) return 0;
    provider_sim::server server{options};
    server.stop_on_signals();
    if (!options.port_file.empty()) provider_sim::write_port_file(options.port_file, server.port());
    std::cout << "listening on " << server.url() << std::endl;
    server.run();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (provider_sim::bad_input const& error) {
        std::cerr << "provider_sim: " << error.what() << '\n';
        return 2;
    } catch (std::exception const& error) {
        std::cerr << "provider_sim: " << error.what() << '\n';
        return 1;
    }
}

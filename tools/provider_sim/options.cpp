// SPDX-License-Identifier: BSL-1.0
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

#include "base/bad_input.hpp"

namespace provider_sim {

options parse_command_line(int argc, char const* const* argv, bool& done) {
    options given;
    CLI::App app{
        "A provider simulator: OpenAI's API on loopback, with scripted faults and a billing ledger.\n"
        "Manual: docs/provider_sim.md",
        "provider_sim"};
    app.add_option("--port", given.port, "TCP port; 0 takes a free one")->capture_default_str();
    app.add_option("--ledger", given.ledger, "the billing ledger: created, or continued if it exists")->required();
    app.add_option("--port-file", given.port_file, "written, when ready, with the port's number");
    app.add_option("--script", given.script, R"(JSON: rules, or {"seed", "config", "rules"})")
        ->check(CLI::ExistingFile);
    auto* const seed = app.add_option("--seed", given.seed, "for rules with a probability")->capture_default_str();
    app.add_option("--host", given.host, "a loopback address")->capture_default_str();
    app.add_option("--require-key-prefix", given.require_key_prefix, "answer 401 to other API keys, e.g. sk-");
    try {
        app.parse(argc, argv);
        given.seed_given = seed->count() > 0;
    } catch (CLI::CallForHelp const&) {
        std::cout << app.help();
        done = true;
    } catch (CLI::ParseError const& error) {
        throw bad_input{std::string{error.what()} + "; provider_sim --help lists the options"};
    }
    return given;
}

}  // namespace provider_sim

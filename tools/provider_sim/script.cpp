// SPDX-License-Identifier: BSL-1.0
#include "script.hpp"

#include <fstream>

#include "base/bad_input.hpp"
#include "base/fields.hpp"

namespace provider_sim {
namespace {

json read_file(std::filesystem::path const& path) {
    std::ifstream in{path};
    if (!in) throw bad_input{"cannot be read"};
    try {
        return json::parse(in);
    } catch (json::parse_error const& error) {
        throw bad_input{std::string{"is not JSON: "} + error.what()};
    }
}

void apply(world& shared, options const& given, json const& script) {
    if (script.is_array()) {
        shared.rules.replace(script);
        return;
    }
    fields f{script, "script"};
    auto const seed = f.integer("seed", 0, INT64_MAX);
    json const* const settings = f.find("config");
    json const* const rules = f.find("rules");
    f.finish();
    if (seed && !given.seed_given) shared.reseed(static_cast<std::uint64_t>(*seed));
    if (settings != nullptr) shared.settings = changed_config(shared.settings, *settings);
    if (rules != nullptr) shared.rules.replace(*rules);
}

}  // namespace

void load_script(world& shared, options const& given) {
    try {
        apply(shared, given, read_file(given.script));
    } catch (bad_input const& error) {
        throw bad_input{"--script " + given.script.string() + ": " + error.what()};
    }
}

}  // namespace provider_sim

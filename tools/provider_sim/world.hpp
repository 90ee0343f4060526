// SPDX-License-Identifier: BSL-1.0
#pragma once
// Everything the connections share. One thread runs them all, so nothing here is locked.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "config.hpp"
#include "faults/rule_book.hpp"
#include "ledger/ledger.hpp"
#include "options.hpp"
#include "process/process.hpp"

namespace provider_sim {

/// Whom requests without x-sim-pid come from: POST /control/hello.
struct client_binding {
    std::optional<process> bound;
    std::optional<std::int64_t> run;
};

struct world {
    explicit world(options const& given)
        : seed{given.seed}, required_key_prefix{given.require_key_prefix}, rules{given.seed}, book{given.ledger} {}

    void reseed(std::uint64_t fresh) {
        seed = fresh;
        rules = rule_book{fresh};
    }

    std::uint64_t seed;
    std::string required_key_prefix;
    config settings;
    rule_book rules;
    ledger book;
    client_binding client;

    std::uint64_t connections = 0;
    std::uint64_t requests = 0;  // outside /control/, since start or reset

    /// The latest requests, newest last.
    std::deque<record> log;
    void note(record line) {
        constexpr std::size_t kept = 512;
        log.push_back(std::move(line));
        if (log.size() > kept) log.pop_front();
    }
};

}  // namespace provider_sim

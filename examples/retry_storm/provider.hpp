// SPDX-License-Identifier: BSL-1.0
#pragma once
// The provider simulator as the demo uses it: a process, its control interface, and its billing ledger.

#include "process.hpp"

#include <coffer/http/curl_client.hpp>

#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace retry_storm {

using json = nlohmann::json;

/// Sends one request to the simulator's control interface and returns its answer; throws if it is refused.
inline coffer::awaitable<json> control(coffer::http::client client, std::string base, std::string path, json body) {
    coffer::http::request request{"POST", base + path, body.dump()};
    request.headers.set("Content-Type", "application/json");
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    auto const answer = co_await client.send(std::move(request), deadline);
    if (!answer) coffer::throw_failure(answer.error());
    if (answer->status != 200) throw std::runtime_error{"the simulator refused " + path + ": " + answer->body};
    co_return json::parse(answer->body);
}

/// What the provider charged, by its own ledger file.
struct tally {
    int sends = 0;
    int bills = 0;
    std::int64_t nano_usd = 0;
};

class provider {
public:
    /// Starts the simulator and waits until it listens.
    provider(std::string const& program, std::filesystem::path const& dir)
        : ledger_{dir / "provider.ledger"}, process_{{program, "--port", "0", "--ledger", ledger_.string()}} {
        constexpr std::string_view greeting = "listening on ";
        auto const said = process_.line();
        if (!said.starts_with(greeting)) throw std::runtime_error{"the provider simulator did not start: " + program};
        url_ = said.substr(greeting.size());
    }

    [[nodiscard]] std::string const& url() const noexcept { return url_; }

    /// What follows is counted under `name`, and strikes by `rules`.
    void begin(std::string const& name, json const& rules) {
        ask("/control/faults", rules);
        ask("/control/mark", {{"name", name}});
    }

    /// Counts the ledger file's lines since the mark `name`.
    [[nodiscard]] tally count(std::string const& name) const {
        tally t;
        std::ifstream file{ledger_};
        for (std::string line; std::getline(file, line);) {
            auto const entry = json::parse(line, nullptr, false);
            if (entry.is_discarded() || entry.value("mark", json{}) != name) continue;
            auto const kind = entry.value("kind", "");
            if (kind == "send") ++t.sends;
            if (kind != "bill") continue;
            ++t.bills;
            t.nano_usd += entry.value("billed_nano_usd", std::int64_t{0});
        }
        return t;
    }

    [[nodiscard]] std::filesystem::path const& ledger() const noexcept { return ledger_; }

private:
    void ask(std::string const& path, json const& body) {
        asio::io_context io;
        std::exception_ptr error;
        asio::co_spawn(io, control(coffer::http::client{io.get_executor()}, url_, path, body),
                       [&error](std::exception_ptr e, json const&) { error = e; });
        io.run();
        if (error) std::rethrow_exception(error);
    }

    std::filesystem::path ledger_;
    talking_process process_;
    std::string url_;
};

}  // namespace retry_storm

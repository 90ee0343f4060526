// SPDX-License-Identifier: BSL-1.0
#pragma once
// A provider that keeps the bill: what docs/migrate.md's programs talk to, before and after.

#include <cstddef>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace migrate_page {

/// What a client throws that reads an HTTP status.
struct http_error : std::runtime_error {
    http_error(int s, std::string c) : std::runtime_error{"HTTP " + std::to_string(s)}, status{s}, code{std::move(c)} {}
    int status;
    std::string code;  // the provider's own, from the body; empty if there is none
};

enum class ending {
    answered,
    reply_lost,  // executed and billed, and the connection is reset before the reply
    gateway_503,  // executed and billed, and a gateway answers in the provider's place
    gateway_408,
    status_201,   // executed and billed, and the client takes nothing but 200
    overloaded,   // turned down, and not billed
    no_quota,     // the account is empty: 429, and no waiting helps
    key_refused,  // 401
};

[[nodiscard]] inline bool is_billed(ending how) {
    return how != ending::overloaded && how != ending::no_quota && how != ending::key_refused;
}

/// Ends each request as the script says, the last line of which goes on for ever. Any thread.
class metered_provider {
public:
    explicit metered_provider(std::vector<ending> script = {ending::answered}) : script_{std::move(script)} {}

    [[nodiscard]] std::string answer(std::string const& prompt) {
        switch (next()) {
            case ending::answered: break;
            case ending::reply_lost: throw std::system_error{std::make_error_code(std::errc::connection_reset)};
            case ending::gateway_503: throw http_error{503, ""};
            case ending::gateway_408: throw http_error{408, ""};
            case ending::status_201: throw http_error{201, ""};
            case ending::overloaded: throw http_error{503, "server_is_overloaded"};
            case ending::no_quota: throw http_error{429, "insufficient_quota"};
            case ending::key_refused: throw http_error{401, "invalid_api_key"};
        }
        return "an answer to " + prompt;
    }
    [[nodiscard]] ending next() {
        std::lock_guard const lock{mutex_};
        auto const how = script_.at(requests_ < script_.size() ? requests_ : script_.size() - 1);
        ++requests_;
        if (is_billed(how)) ++bills_;
        return how;
    }
    [[nodiscard]] std::size_t requests() const {
        std::lock_guard const lock{mutex_};
        return requests_;
    }
    [[nodiscard]] int bills() const {
        std::lock_guard const lock{mutex_};
        return bills_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<ending> script_;
    std::size_t requests_ = 0;
    int bills_ = 0;
};

}  // namespace migrate_page

// SPDX-License-Identifier: BSL-1.0
#pragma once
// Boost.Beast's request parser, fed with bytes that somebody else read: the socket stays raw, so that faults can do
// to it what a framework would not allow. It stops after the head, because some faults strike there.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "http/request.hpp"

namespace provider_sim {

class request_parser {
public:
    enum class state {
        reading_head,  // needs more bytes
        reading_body,  // the head is complete, the body is not
        complete,
        broken,        // no HTTP, or too large: see problem_status()
    };

    explicit request_parser(std::int64_t max_body_bytes);
    ~request_parser();
    request_parser(request_parser const&) = delete;
    request_parser& operator=(request_parser const&) = delete;

    /// Takes what it can use from the front of `bytes`. Stops once when the head is complete; called again, it takes
    /// the body. What follows the request stays in `bytes`.
    state advance(std::string& bytes);

    [[nodiscard]] state now() const noexcept { return state_; }
    [[nodiscard]] bool started() const noexcept { return started_; }
    [[nodiscard]] std::size_t body_bytes() const noexcept { return body_bytes_; }

    /// Valid once the head is complete; its body once all is.
    http_request& request() noexcept { return request_; }

    /// 400, 413 or 431 after `broken`.
    [[nodiscard]] unsigned problem_status() const noexcept { return problem_status_; }
    [[nodiscard]] std::string const& problem() const noexcept { return problem_; }

private:
    struct beast;
    void take_head();

    std::unique_ptr<beast> beast_;
    http_request request_;
    state state_ = state::reading_head;
    bool started_ = false;
    std::size_t body_bytes_ = 0;
    unsigned problem_status_ = 0;
    std::string problem_;
};

}  // namespace provider_sim

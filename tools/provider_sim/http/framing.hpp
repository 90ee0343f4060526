// SPDX-License-Identifier: BSL-1.0
#pragma once
// An answer as the bytes that go on the wire, and where to cut them so that exactly so much of the body has left.

#include <cstddef>
#include <string>

#include "http/answer.hpp"

namespace provider_sim {

enum class framing { content_length, chunked, close };

struct wire_answer {
    std::string head;
    std::string body;              // as sent: with the chunk sizes, where chunked
    std::size_t payload_bytes = 0;  // the body without them

    /// How much of `body` carries the first `payload` bytes. All payload bytes of a chunked body leave out the last
    /// chunk, the one of size zero: that is the cut nobody sees without looking for it.
    [[nodiscard]] std::size_t cut(std::size_t payload) const noexcept;

    std::size_t chunk_bytes = 0;  // 0: not chunked
};

wire_answer frame(http_answer const& answer, framing how, bool keep_alive, bool head_request);

/// An interim head: `HTTP/1.1 100 Continue`.
std::string interim_head(unsigned status);

}  // namespace provider_sim

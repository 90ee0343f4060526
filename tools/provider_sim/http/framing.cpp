// SPDX-License-Identifier: BSL-1.0
#include "http/framing.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/clock.hpp"

namespace provider_sim {
namespace {

constexpr std::size_t payload_per_chunk = 256;

std::string chunk_head(std::size_t size) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%zx\r\n", size);
    return text.data();
}

std::string chunked(std::string const& payload) {
    std::string wire;
    for (std::size_t at = 0; at < payload.size(); at += payload_per_chunk) {
        auto const size = std::min(payload_per_chunk, payload.size() - at);
        wire += chunk_head(size);
        wire.append(payload, at, size);
        wire += "\r\n";
    }
    return wire + "0\r\n\r\n";
}

void add(std::string& head, std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::size_t wire_answer::cut(std::size_t payload) const noexcept {
    payload = std::min(payload, payload_bytes);
    if (chunk_bytes == 0) return payload;
    std::size_t wire = 0;
    for (std::size_t at = 0; at < payload; at += chunk_bytes) {
        auto const whole = std::min(chunk_bytes, payload_bytes - at);  // what the chunk's head announces
        auto const sent = std::min(whole, payload - at);
        wire += chunk_head(whole).size() + sent + (sent == whole ? 2 : 0);
    }
    return wire;
}

wire_answer frame(http_answer const& answer, framing how, bool keep_alive, bool head_request) {
    wire_answer wire;
    wire.payload_bytes = head_request ? 0 : answer.body.size();
    if (answer.raw) {
        wire.body = answer.body;
        return wire;
    }
    wire.head = "HTTP/1.1 " + std::to_string(answer.status) + " ";
    wire.head.append(reason_of(answer.status)).append("\r\n");
    add(wire.head, "Date", http_date(now_us() / 1'000'000));
    for (auto const& [name, value] : answer.headers) add(wire.head, name, value);
    if (how == framing::content_length) add(wire.head, "Content-Length", std::to_string(answer.body.size()));
    if (how == framing::chunked) add(wire.head, "Transfer-Encoding", "chunked");
    add(wire.head, "Connection", keep_alive && how != framing::close ? "keep-alive" : "close");
    wire.head += "\r\n";
    if (head_request) return wire;
    if (how == framing::chunked) {
        wire.chunk_bytes = payload_per_chunk;
        wire.body = chunked(answer.body);
    } else {
        wire.body = answer.body;
    }
    return wire;
}

std::string interim_head(unsigned status) {
    return "HTTP/1.1 " + std::to_string(status) + " " + std::string{reason_of(status)} + "\r\n\r\n";
}

}  // namespace provider_sim

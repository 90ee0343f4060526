// SPDX-License-Identifier: BSL-1.0
#pragma once
// The server's side of HTTP/2, frame by frame, over a plain connection (prior knowledge): just enough to break it where a
// test wants it broken.

#include "raw_server.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI::http::tests {

enum class frame_type : std::uint8_t {
    data = 0,
    headers = 1,
    rst_stream = 3,
    settings = 4,
    ping = 6,
    goaway = 7,
    window_update = 8
};
enum class h2_error : std::uint32_t { no_error = 0, internal_error = 2, refused_stream = 7 };

class h2_peer {
public:
    explicit h2_peer(peer& p) : peer_{p} {
        if (p.read_exactly(24) == "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") write(frame_type::settings, 0, 0, "");
    }

    /// The stream of the next whole request, 0 when the client has closed.
    std::uint32_t read_request() {
        for (;;) {
            auto const head = peer_.read_exactly(9);
            if (head.size() < 9) return 0;
            auto const size = number(head.substr(0, 3));
            auto const type = static_cast<frame_type>(head[3]);
            auto const flags = static_cast<std::uint8_t>(head[4]);
            auto const stream = number(head.substr(5, 4)) & 0x7fff'ffffU;
            auto const payload = peer_.read_exactly(size);
            if (type == frame_type::settings && (flags & 1U) == 0) write(frame_type::settings, 1, 0, "");
            if (type == frame_type::ping && (flags & 1U) == 0) write(frame_type::ping, 1, 0, payload);
            if (type == frame_type::ping && (flags & 1U) != 0) return 0;
            bool const last = (flags & 1U) != 0;
            if ((type == frame_type::headers || type == frame_type::data) && last) return stream;
        }
    }
    void answer(std::uint32_t stream, std::string_view body = "ok") {
        head(stream);
        write(frame_type::data, 1, stream, body);
    }
    /// ":status: 200", and "content-length" if it is given, with names from HPACK's static table.
    void head(std::uint32_t stream, std::string_view length = {}) {
        std::string block = "\x88";
        if (!length.empty()) ((block += "\x0f\x0d") += static_cast<char>(length.size())) += length;
        write(frame_type::headers, 4, stream, block);
    }
    void part(std::uint32_t stream, std::string_view body) { write(frame_type::data, 0, stream, body); }
    void reset(std::uint32_t stream, h2_error why) {
        write(frame_type::rst_stream, 0, stream, bytes(static_cast<std::uint32_t>(why)));
    }
    void goaway(std::uint32_t last_stream) {
        write(frame_type::goaway, 0, 0, bytes(last_stream) + bytes(static_cast<std::uint32_t>(h2_error::no_error)));
    }
    /// The client has read all that was written so far.
    void wait_until_read() {
        write(frame_type::ping, 0, 0, "12345678");
        (void)read_request();
    }
    /// Of all that is written from here on only the first `bytes`.
    void write_only(std::size_t bytes) noexcept { allowed_ = bytes; }
    [[nodiscard]] peer& connection() noexcept { return peer_; }

private:
    static std::uint32_t number(std::string_view text) {
        std::uint32_t n = 0;
        for (char const c : text) n = (n << 8) | static_cast<unsigned char>(c);
        return n;
    }
    static std::string bytes(std::uint32_t n) {
        return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
                static_cast<char>(n)};
    }
    void write(frame_type type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
        auto frame = bytes(static_cast<std::uint32_t>(payload.size())).substr(1);
        frame += static_cast<char>(type);
        frame += static_cast<char>(flags);
        frame += bytes(stream);
        frame += payload;
        frame.resize(std::min(frame.size(), allowed_));
        if (allowed_ != std::string::npos) allowed_ -= frame.size();
        peer_.write(frame);
    }

    peer& peer_;
    std::size_t allowed_ = std::string::npos;
};

}  // namespace coffer::inline COFFER_ABI::http::tests

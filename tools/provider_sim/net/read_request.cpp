// SPDX-License-Identifier: BSL-1.0
#include "net/read_request.hpp"

#include "http/framing.hpp"

namespace provider_sim {

using state = request_parser::state;

asio::awaitable<bool> read_head(tcp_socket& socket, request_parser& parser, std::string& buffer) {
    while (parser.advance(buffer) == state::reading_head) {
        bool const more = co_await receive(socket, buffer);
        if (!more) co_return false;
    }
    co_return parser.now() != state::broken;
}

asio::awaitable<bool> read_body(tcp_socket& socket, request_parser& parser, std::string& buffer, std::size_t enough) {
    if (parser.now() != state::complete) parser.advance(buffer);
    bool waits_for_us = parser.request().expects_continue && parser.body_bytes() == 0;
    while (parser.now() == state::reading_body && parser.body_bytes() < enough) {
        if (waits_for_us) {
            auto const head = interim_head(100);
            std::size_t sent = 0;
            co_await send(socket, head, sent);
            waits_for_us = false;
        }
        bool const more = co_await receive(socket, buffer);
        if (!more) co_return false;
        parser.advance(buffer);
    }
    co_return parser.now() != state::broken;
}

}  // namespace provider_sim

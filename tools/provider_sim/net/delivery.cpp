// SPDX-License-Identifier: BSL-1.0
#include "net/delivery.hpp"

#include <algorithm>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include "base/clock.hpp"
#include "faults/apply.hpp"

namespace provider_sim {
namespace {

// Sends, and knows what has left and whether anybody is there to receive it.
class sender {
public:
    sender(tcp_socket& socket, entry& noted) : socket_{socket}, noted_{noted} {}

    asio::awaitable<void> write(std::string_view bytes) {
        if (gone() || bytes.empty()) co_return;
        if (noted_.t_first_byte_out == 0) noted_.t_first_byte_out = now_us();
        bool const sent = co_await send(socket_, bytes, noted_.bytes_out);
        if (!sent) note_gone();
    }

    asio::awaitable<void> drip(std::string_view bytes, provider_sim::drip pace) {
        if (pace.bytes == 0) {
            co_await write(bytes);
            co_return;
        }
        while (!bytes.empty() && !gone()) {
            co_await write(bytes.substr(0, pace.bytes));
            bytes.remove_prefix(std::min(pace.bytes, bytes.size()));
            if (!bytes.empty()) co_await pause(pace.interval);
        }
    }

    asio::awaitable<bool> settle() { return wait_acknowledged(socket_); }

    // A peer that left while we were busy gets nothing: an answer written into a closed connection is not delivered.
    void look() {
        if (!gone() && peer_gone(socket_)) note_gone();
    }
    [[nodiscard]] bool gone() const noexcept { return noted_.client_gone_at != 0; }

private:
    void note_gone() { noted_.client_gone_at = now_us(); }

    tcp_socket& socket_;
    entry& noted_;
};

// The client is stopped, then gets what completes the answer, and is struck with all of it in its socket. It is stopped
// only when it has taken everything before, so that the tail finds room however large the answer is.
asio::awaitable<void> send_tail(sender& out, std::string_view tail, executioner& killer) {
    bool const taken = co_await out.settle();
    out.look();
    if (out.gone()) co_return;
    if (taken) co_await killer.hold();
    co_await out.write(tail);
    co_await out.settle();
    co_await killer.strike();
}

asio::awaitable<void> send_body(sender& out, wire_answer const& wire, fault const& f, executioner& killer) {
    std::string_view const body = wire.body;
    bool const last_byte = killer.waits_for(kill_moment::last_byte);
    auto const whole = last_byte ? wire.cut(wire.payload_bytes - 1) : body.size();
    auto const end = f.deliver == deliver_extent::full ? whole : wire.cut(delivered_bytes(f, wire.payload_bytes));
    std::size_t begin = 0;
    if (killer.waits_for(kill_moment::half_body)) {
        begin = std::min(wire.cut(wire.payload_bytes / 2), end);
        co_await out.drip(body.substr(0, begin), f.drip);
        co_await out.settle();
        if (!out.gone()) co_await killer.strike();
        out.look();
    }
    co_await out.drip(body.substr(begin, end - begin), f.drip);
    if (last_byte) co_await send_tail(out, body.substr(end), killer);
}

bool sent_at_once(fault const& f, executioner const& killer) {
    return f.deliver == deliver_extent::full && f.delay.body.count() == 0 && f.drip.bytes == 0 &&
           !killer.waits_for(kill_moment::half_body) && !killer.waits_for(kill_moment::last_byte);
}

}  // namespace

asio::awaitable<void> pause(milliseconds duration) {
    if (duration.count() <= 0) co_return;
    asio::steady_timer timer{co_await asio::this_coro::executor, duration};
    co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> deliver(tcp_socket& socket, wire_answer const& wire, fault const& f, executioner& killer,
                              entry& noted) {
    sender out{socket, noted};
    co_await pause(f.delay.headers);
    out.look();
    if (f.deliver == deliver_extent::none) co_return;

    for (auto const status : f.interim) {
        auto const head = interim_head(status);
        co_await out.write(head);
    }
    bool const last_byte = killer.waits_for(kill_moment::last_byte);
    if (last_byte && wire.payload_bytes == 0) {
        co_await send_tail(out, wire.head, killer);
    } else if (sent_at_once(f, killer)) {
        auto const whole = wire.head + wire.body;
        co_await out.write(whole);
    } else {
        co_await out.write(wire.head);
        co_await pause(f.delay.body);
        if (f.deliver != deliver_extent::headers) co_await send_body(out, wire, f, killer);
    }
    if (noted.bytes_out > 0) noted.delivered = f.deliver == deliver_extent::full && !out.gone() ? "full" : "partial";
}

asio::awaitable<void> end_connection(tcp_socket& socket, ending how, entry& noted) {
    switch (how) {
        case ending::keep:
        case ending::fin: co_await finish(socket); break;
        case ending::rst:
            co_await wait_acknowledged(socket);  // an RST overtakes what has not been received
            reset(socket);
            break;
        case ending::hang:
            co_await hang(socket);
            if (noted.client_gone_at == 0) noted.client_gone_at = now_us();
            break;
    }
}

}  // namespace provider_sim

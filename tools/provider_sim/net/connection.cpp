// SPDX-License-Identifier: BSL-1.0
#include "net/connection.hpp"

#include "api/router.hpp"
#include "base/clock.hpp"
#include "control/control.hpp"
#include "http/framing.hpp"
#include "net/delivery.hpp"
#include "net/exchange.hpp"
#include "net/read_request.hpp"

namespace provider_sim {
namespace {

// A rule that strikes on accept, before anything is read. True: the connection is over.
asio::awaitable<bool> strike_on_accept(world& shared, tcp_socket& socket, entry& arrival) {
    request_facts facts;
    facts.conn_id = arrival.conn_id;
    facts.run = shared.client.run;
    if (shared.client.bound) facts.pid = shared.client.bound->pid();
    auto const rule = shared.rules.choose(rule_stage::accept, facts);
    if (!rule) co_return false;
    arrival.fault = rule->rule.name;
    co_await end_connection(socket, rule->rule.fault.end, arrival);
    shared.note(log_line(arrival));
    co_return true;
}

asio::awaitable<bool> control(world& shared, tcp_socket& socket, request_parser& parser, std::string& buffer) {
    bool const whole = co_await read_body(socket, parser, buffer, SIZE_MAX);
    if (!whole) co_return false;
    auto const& request = parser.request();
    auto const answer = handle_control(shared, request);
    auto const wire = frame(answer, framing::content_length, request.keep_alive, request.method == "HEAD");
    auto const bytes = wire.head + wire.body;
    std::size_t written = 0;
    bool const sent = co_await send(socket, bytes, written);
    co_return sent&& request.keep_alive;
}

// The peer left in the middle of a head, or what it sent is no HTTP.
asio::awaitable<void> give_up_head(world& shared, tcp_socket& socket, request_parser const& parser, entry& arrival) {
    if (parser.started()) {
        ++arrival.req_on_conn;
        shared.book.note_partial(arrival);
    }
    if (parser.now() != request_parser::state::broken) co_return;
    auto const status = parser.problem_status();
    json error;
    error["message"] = parser.problem();
    auto const answer = json_answer(status, provider_of("").error_body(status, error));
    auto const wire = frame(answer, framing::content_length, false, false);
    auto const bytes = wire.head + wire.body;
    co_await send(socket, bytes, arrival.bytes_out);
    arrival.status = status;
    shared.note(log_line(arrival));
    co_await finish(socket);
}

}  // namespace

asio::awaitable<void> run_connection(world& shared, tcp_socket socket) {
    entry arrival;
    arrival.t_accept = now_us();
    arrival.conn_id = ++shared.connections;
    bool const struck = co_await strike_on_accept(shared, socket, arrival);
    if (struck) co_return;

    std::string buffer;
    for (bool open = true; open; ++arrival.req_on_conn) {
        request_parser parser{shared.settings.max_body_bytes};
        bool const arrived = co_await read_head(socket, parser, buffer);
        if (!arrived) {
            co_await give_up_head(shared, socket, parser, arrival);
            co_return;
        }
        if (parser.request().path.starts_with("/control/")) {
            open = co_await control(shared, socket, parser, buffer);
            continue;
        }
        auto noted = arrival;
        ++noted.req_on_conn;
        exchange one{shared, socket, parser, buffer, std::move(noted)};
        open = co_await one.run();
    }
}

}  // namespace provider_sim

// SPDX-License-Identifier: BSL-1.0
#pragma once
// One request to the simulated provider, from its head to the end of its answer: match the rules, count the send,
// execute, bill, deliver; in that order, whatever becomes of the client meanwhile.

#include <asio/awaitable.hpp>
#include <memory>
#include <string>

#include "api/endpoint.hpp"
#include "faults/rule_book.hpp"
#include "http/request_parser.hpp"
#include "ledger/entry.hpp"
#include "net/socket.hpp"
#include "process/executioner.hpp"
#include "world.hpp"

namespace provider_sim {

class exchange {
public:
    /// The parser has the head; what it does not use of `buffer` stays for the next request.
    exchange(world& shared, tcp_socket& socket, request_parser& parser, std::string& buffer, entry arrival);

    /// True if the connection goes on to its next request; else its end has been seen to.
    asio::awaitable<bool> run();

private:
    void take_head();
    void take_body();
    void choose(rule_stage stage);
    [[nodiscard]] executioner make_killer() const;

    asio::awaitable<bool> leave_unread();
    asio::awaitable<bool> give_up_reading();
    asio::awaitable<bool> serve();
    http_answer execute();
    void bill(usage const& full, std::size_t payload_bytes);
    [[nodiscard]] http_answer dressed(http_answer answer) const;
    asio::awaitable<bool> reply(http_answer const& answer, executioner& killer, bool may_keep);
    void note_end();

    world& world_;
    tcp_socket& socket_;
    request_parser& parser_;
    std::string& buffer_;
    http_request& request_;
    provider_shape const& provider_;
    entry noted_;
    json body_;
    std::shared_ptr<rule_book::entry const> rule_;  // keeps *fault_ alive when the rules are replaced meanwhile
    fault const* fault_;
};

}  // namespace provider_sim

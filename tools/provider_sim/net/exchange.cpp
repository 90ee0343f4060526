// SPDX-License-Identifier: BSL-1.0
#include "net/exchange.hpp"

#include "api/answer_text.hpp"
#include "api/router.hpp"
#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/random.hpp"
#include "faults/apply.hpp"
#include "net/client_identity.hpp"
#include "net/delivery.hpp"
#include "net/read_request.hpp"

namespace provider_sim {
namespace {

fault const no_fault{};

// What could be billed; the rest asks and changes nothing, and stays out of the ledger.
bool is_send(std::string const& method) { return method == "POST"; }

std::string text_field(json const& object, char const* name) {
    if (!object.is_object()) return {};
    auto const it = object.find(name);
    return it != object.end() && it->is_string() ? it->get<std::string>() : std::string{};
}

}  // namespace

exchange::exchange(world& shared, tcp_socket& socket, request_parser& parser, std::string& buffer, entry arrival)
    : world_{shared},
      socket_{socket},
      parser_{parser},
      buffer_{buffer},
      request_{parser.request()},
      provider_{provider_of(request_.path)},
      noted_{std::move(arrival)},
      fault_{&no_fault} {}

asio::awaitable<bool> exchange::run() {
    take_head();
    choose(rule_stage::head);
    if (fault_->read != read_extent::whole) co_return co_await leave_unread();
    co_await pause(fault_->delay.reading);
    bool const whole = co_await read_body(socket_, parser_, buffer_, SIZE_MAX);
    if (!whole) co_return co_await give_up_reading();
    take_body();
    if (!rule_) choose(rule_stage::body);
    co_return co_await serve();
}

void exchange::take_head() {
    noted_.t_headers = now_us();
    noted_.index = ++world_.requests;
    noted_.http_ver = request_.version == 10 ? "1.0" : "1.1";
    noted_.provider = provider_.name;
    noted_.method = request_.method;
    noted_.path = request_.path;
    noted_.idem_header = request_.header_or_empty("idempotency-key");
    noted_.client_key = request_.header_or_empty("x-attempt-id");
    noted_.retry_count = request_.header_or_empty("x-stainless-retry-count");
    noted_.pid = pid_of(request_, world_.client);
    noted_.run = world_.client.run;
    noted_.request_id = make_id("req_", mix(world_.seed ^ mix(world_.book.seq())) ^ mix(noted_.index), 32);
}

void exchange::take_body() {
    noted_.t_body_complete = now_us();
    noted_.body_bytes = request_.body.size();
    noted_.key = sha256_hex(request_.body);
    noted_.nth = world_.book.sends_of(noted_.key) + 1;
    body_ = json::parse(request_.body, nullptr, false);
    noted_.model = text_field(body_, "model");
    if (noted_.client_key.empty() && body_.is_object() && body_.contains("metadata"))
        noted_.client_key = text_field(body_["metadata"], "idem");
}

void exchange::choose(rule_stage stage) {
    request_facts facts;
    facts.request = &request_;
    facts.index = noted_.index;
    facts.model = noted_.model;
    facts.key = noted_.key;
    facts.nth = noted_.nth;
    facts.pid = noted_.pid;
    facts.run = noted_.run;
    facts.conn_id = noted_.conn_id;
    rule_ = world_.rules.choose(stage, facts);
    if (!rule_) return;
    fault_ = &rule_->rule.fault;
    noted_.fault = rule_->rule.name;
}

executioner exchange::make_killer() const {
    if (!fault_->kill) return executioner{std::nullopt, std::nullopt, {}};
    std::string why;
    auto const target = process_of(request_, world_.client, why);
    return executioner{fault_->kill, target, why};
}

// A rule strikes before the body is read: an answer without reading, or none.
asio::awaitable<bool> exchange::leave_unread() {
    if (fault_->read == read_extent::part) co_await read_body(socket_, parser_, buffer_, fault_->read_bytes);
    noted_.body_bytes = parser_.body_bytes();
    if (is_send(request_.method)) world_.book.note_partial(noted_);
    auto killer = make_killer();
    auto const answer = dressed(http_answer{});
    co_return co_await reply(answer, killer, false);
}

// The client left before its body was complete, or sent one that is no HTTP or too large.
asio::awaitable<bool> exchange::give_up_reading() {
    noted_.body_bytes = parser_.body_bytes();
    world_.book.note_partial(noted_);
    fault_ = &no_fault;
    if (parser_.now() != request_parser::state::broken) noted_.client_gone_at = now_us();
    auto const status = parser_.problem_status();
    auto const answer = json_answer(status, provider_.error_body(status, json::object()));
    auto killer = make_killer();
    co_return co_await reply(answer, killer, false);
}

asio::awaitable<bool> exchange::serve() {
    if (is_send(request_.method)) world_.book.note_send(noted_);
    auto killer = make_killer();
    if (killer.waits_for(kill_moment::request_read)) co_await killer.strike();
    co_await pause(fault_->delay.executing);
    auto const answer = execute();
    if (noted_.billed && killer.waits_for(kill_moment::bill_written)) co_await killer.strike();
    co_return co_await reply(answer, killer, true);
}

http_answer exchange::execute() {
    api_call call;
    call.settings = &world_.settings;
    call.request = &request_;
    call.body = &body_;
    call.key = noted_.key;
    call.nth = noted_.nth;
    call.wishes = &fault_->answer;
    auto result = provider_sim::serve(call, world_.required_key_prefix);
    auto answer = dressed(std::move(result.answer));
    noted_.executed = result.valid && fault_->execute;
    if (result.valid) bill(result.used, answer.body.size());
    return answer;
}

void exchange::bill(usage const& full, std::size_t payload_bytes) {
    if (fault_->bill == bill_mode::none) return;
    noted_.bill_mode = word_of(bill_words, fault_->bill);
    noted_.used = billed_usage(*fault_, full, payload_bytes);
    noted_.charged = cost_of(noted_.used, world_.settings.prices.of(noted_.model));
    world_.book.note_bill(noted_);
}

http_answer exchange::dressed(http_answer answer) const {
    auto const now = now_us();
    provider_.add_headers(answer, world_.settings, noted_.request_id, (now - noted_.t_headers) / 1000);
    return apply_fault(*fault_, std::move(answer), provider_, now);
}

asio::awaitable<bool> exchange::reply(http_answer const& answer, executioner& killer, bool may_keep) {
    bool const keeps = may_keep && fault_->end == ending::keep && request_.keep_alive;
    if (noted_.client_gone_at == 0) {
        auto const wire = frame(answer, fault_->framing, may_keep && request_.keep_alive, request_.method == "HEAD");
        co_await deliver(socket_, wire, *fault_, killer, noted_);
        if (noted_.bytes_out > 0 && !answer.raw) noted_.status = answer.status;
    }
    noted_.signal = killer.report();
    if (noted_.client_gone_at != 0) {
        note_end();
        reset(socket_);
        co_return false;
    }
    bool const hangs = fault_->end == ending::hang;  // its end is known only when the client leaves
    if (!hangs) note_end();
    if (!keeps) co_await end_connection(socket_, fault_->end, noted_);
    if (hangs) note_end();
    co_return keeps;
}

void exchange::note_end() {
    if (noted_.send_seq != 0) world_.book.note_end(noted_);
    world_.note(log_line(noted_));
}

}  // namespace provider_sim

// SPDX-License-Identifier: BSL-1.0
#include "faults/parse_rule.hpp"

namespace provider_sim {
namespace {

void check_stage(fields const& f, rule const& r) {
    if (r.stage != rule_stage::body && r.match.needs_body())
        f.fail("match", "asks for model, key, body_contains or nth, but this rule strikes before the body is read");
    if (r.stage == rule_stage::accept && r.match.needs_head())
        f.fail("match", R"(asks for something of the request, but "read": "nothing" strikes when the client connects)");
    if (r.fault.read == read_extent::whole) return;
    if (r.fault.read == read_extent::nothing && !r.times)
        f.fail("times",
               R"(is missing: "read": "nothing" strikes /control/ too, and without an end nobody could undo it)");
    if (r.fault.read == read_extent::nothing && r.fault.deliver != deliver_extent::none)
        f.fail("deliver", R"(must be "none" with "read": "nothing")");
    for (auto const* name : {"execute", "bill", "kill", "generated_tokens"})
        if (f.has(name)) f.fail(name, R"(needs "read": "whole": what was not read is neither executed nor billed)");
}

void check_delivery(fields const& f, rule const& r) {
    auto const& fault = r.fault;
    if (fault.deliver != deliver_extent::full && fault.end == ending::keep)
        f.fail("end", R"(must be "fin", "rst" or "hang" unless the answer is delivered in full)");
    if (fault.framing == framing::close && fault.end == ending::keep)
        f.fail("end", R"(must be "fin", "rst" or "hang" with "framing": "close")");
    if (fault.deliver == deliver_extent::none)
        for (auto const* name :
             {"status", "error", "body", "wrong", "headers", "pad_headers", "pad_body", "framing", "drip"})
            if (f.has(name)) f.fail(name, R"(has no effect with "deliver": "none")");
}

void check_answer(fields const& f, rule const& r) {
    auto const& fault = r.fault;
    if (int{fault.error.has_value()} + int{fault.body.has_value()} + int{fault.wrong != wrong_answer::no} > 1)
        f.fail("error", "and body and wrong exclude one another: each says what the body is");
    if (fault.wrong == wrong_answer::garbage)
        for (auto const* name : {"status", "headers", "framing", "pad_headers", "interim"})
            if (f.has(name)) f.fail(name, R"(has no effect with "wrong": "garbage": there is no HTTP)");
    if (fault.generated_tokens && fault.bill != bill_mode::generated_so_far)
        f.fail("generated_tokens", R"(needs "bill": "generated_so_far")");
    if (fault.error && f.has("answer")) f.fail("answer", "has no effect with an error");
}

void check_kill(fields const& f, rule const& r) {
    if (!r.fault.kill) return;
    auto const moment = r.fault.kill->moment;
    auto const deliver = r.fault.deliver;
    if (moment == kill_moment::bill_written && r.fault.bill == bill_mode::none)
        f.fail("kill", R"(at "bill_written" needs a bill, and this rule has "bill": "none")");
    if (moment == kill_moment::half_body && deliver != deliver_extent::half && deliver != deliver_extent::full)
        f.fail("kill", R"(at "half_body" needs "deliver": "half" or "full")");
    if (moment == kill_moment::last_byte && deliver != deliver_extent::full)
        f.fail("kill", R"(at "last_byte" needs "deliver": "full")");
}

}  // namespace

void check_rule(fields const& f, rule const& r) {
    check_stage(f, r);
    check_delivery(f, r);
    check_answer(f, r);
    check_kill(f, r);
}

}  // namespace provider_sim

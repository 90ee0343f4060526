// SPDX-License-Identifier: BSL-1.0
#include <algorithm>

#include "faults/parse_rule.hpp"

namespace provider_sim {
namespace {

constexpr std::int64_t max_ms = 24 * 3'600'000;
constexpr std::int64_t max_bytes = 1 << 30;
constexpr std::int64_t max_tokens = 10'000'000;

milliseconds ms(std::optional<std::int64_t> n) { return milliseconds{n.value_or(0)}; }
std::size_t bytes(std::optional<std::int64_t> n) { return static_cast<std::size_t>(n.value_or(0)); }

// A word, or a number of bytes.
void parse_read(fields& f, fault& to) {
    constexpr word_table<read_extent, 3> words{
        {{"nothing", read_extent::nothing}, {"headers", read_extent::headers}, {"whole", read_extent::whole}}};
    json const* const value = f.find("read");
    if (value != nullptr && value->is_number()) {
        to.read = read_extent::part;
        to.read_bytes = bytes(f.integer("read", 1, max_bytes));
    } else if (auto const extent = f.word("read", words)) {
        to.read = *extent;
    }
}

void parse_deliver(fields& f, fault& to) {
    constexpr word_table<deliver_extent, 4> words{{{"none", deliver_extent::none},
                                                   {"headers", deliver_extent::headers},
                                                   {"half", deliver_extent::half},
                                                   {"full", deliver_extent::full}}};
    json const* const value = f.find("deliver");
    if (value != nullptr && value->is_number()) {
        to.deliver = deliver_extent::bytes;
        to.deliver_bytes = bytes(f.integer("deliver", 0, max_bytes));
    } else if (auto const extent = f.word("deliver", words)) {
        to.deliver = *extent;
    }
}

void parse_delay(fields& f, delays& to) {
    json const* const value = f.find("delay_ms");
    if (value == nullptr) return;
    if (value->is_number()) {
        to.headers = ms(f.integer("delay_ms", 0, max_ms));
        return;
    }
    auto delay = *f.object("delay_ms");
    to.reading = ms(delay.integer("reading", 0, max_ms));
    to.executing = ms(delay.integer("executing", 0, max_ms));
    to.headers = ms(delay.integer("headers", 0, max_ms));
    to.body = ms(delay.integer("body", 0, max_ms));
    delay.finish();
}

void parse_drip(fields& f, drip& to) {
    auto object = f.object("drip");
    if (!object) return;
    if (!object->has("bytes")) object->fail("bytes", "is missing");
    to.bytes = bytes(object->integer("bytes", 1, max_bytes));
    to.interval = ms(object->integer("interval_ms", 0, max_ms));
    object->finish();
}

answer_wishes parse_wishes(fields& f) {
    constexpr word_table<usage_shape, 3> usage_words{
        {{"missing", usage_shape::missing}, {"null", usage_shape::null}, {"zero", usage_shape::zero}}};
    answer_wishes wishes;
    wishes.content = f.text("content");
    wishes.finish_reason = f.text("finish_reason");
    wishes.refusal = f.text("refusal");
    wishes.model = f.text("model");
    wishes.output_tokens = f.integer("output_tokens", 1, max_tokens);
    wishes.cached_tokens = f.integer("cached_tokens", 0, max_tokens).value_or(0);
    wishes.reasoning_tokens = f.integer("reasoning_tokens", 0, max_tokens).value_or(0);
    wishes.usage = f.word("usage", usage_words).value_or(usage_shape::right);
    if (json const* const error = f.find("choice_error")) {
        if (!error->is_object()) f.fail("choice_error", "must be an object", error);
        wishes.choice_error = *error;
    }
    f.finish();
    return wishes;
}

std::optional<kill_order> parse_kill(fields& f) {
    auto object = f.object("kill");
    if (!object) return std::nullopt;
    kill_order order;
    auto const moment = object->word("moment", moment_words);
    if (!moment) object->fail("moment", "is missing");
    order.moment = *moment;
    order.signal = object->word("signal", signal_words).value_or(kill_signal::kill);
    if (auto const after = object->integer("cont_after_ms", 0, max_ms)) order.cont_after = milliseconds{*after};
    object->finish();
    if (order.cont_after && order.signal != kill_signal::stop)
        object->fail("cont_after_ms", R"(needs "signal": "STOP": a killed process does not continue)");
    return order;
}

void parse_replacement(fields& f, fault& to) {
    constexpr word_table<wrong_answer, 4> wrong_words{{{"garbage", wrong_answer::garbage},
                                                       {"bad_json", wrong_answer::bad_json},
                                                       {"empty", wrong_answer::empty},
                                                       {"html", wrong_answer::html}}};
    if (auto const status = f.integer("status", 200, 599)) to.status = static_cast<unsigned>(*status);
    if (json const* const error = f.find("error")) {
        if (!error->is_object()) f.fail("error", "must be an object", error);
        to.error = *error;
    }
    if (json const* const body = f.find("body"))
        to.body = body->is_string() ? body->get<std::string>() : to_line(*body);
    to.wrong = f.word("wrong", wrong_words).value_or(wrong_answer::no);
    if (auto wishes = f.object("answer")) to.answer = parse_wishes(*wishes);
    if (auto headers = f.object("headers")) to.headers = parse_headers(*headers);
    to.pad_headers = bytes(f.integer("pad_headers", 0, max_bytes));
    to.pad_body = bytes(f.integer("pad_body", 0, max_bytes));
    if (json const* const interim = f.find("interim")) {
        auto const known = [](json const& n) { return n == 100 || n == 102 || n == 103; };
        if (!interim->is_array() || !std::all_of(interim->begin(), interim->end(), known))
            f.fail("interim", "must be an array of 100, 102, 103", interim);
        to.interim = interim->get<std::vector<unsigned>>();
    }
}

}  // namespace

std::optional<unsigned> fault::own_status() const {
    if (status) return status;
    if (wrong == wrong_answer::html) return 502;
    if (error) return 500;
    return std::nullopt;
}

fault parse_fault(fields& f) {
    constexpr word_table<ending, 4> ending_words{
        {{"keep", ending::keep}, {"fin", ending::fin}, {"rst", ending::rst}, {"hang", ending::hang}}};
    constexpr word_table<framing, 3> framing_words{
        {{"content_length", framing::content_length}, {"chunked", framing::chunked}, {"close", framing::close}}};
    fault to;
    parse_read(f, to);
    parse_deliver(f, to);
    parse_replacement(f, to);
    to.framing = f.word("framing", framing_words).value_or(framing::content_length);
    bool const ends_itself = to.framing == framing::close || to.wrong == wrong_answer::garbage;
    to.end = f.word("end", ending_words).value_or(ends_itself ? ending::fin : ending::keep);

    // An error is a request that was not executed, until the rule says otherwise; so is one that was not read.
    bool const unread = to.read != read_extent::whole;
    bool const replaced = to.own_status() || to.body || to.wrong != wrong_answer::no;
    bool const refused = unread || to.error || to.own_status().value_or(200) >= 400;
    if (unread && !replaced && !f.has("deliver")) to.deliver = deliver_extent::none;
    to.execute = f.flag("execute").value_or(!refused);
    to.bill = f.word("bill", bill_words).value_or(to.execute ? bill_mode::full : bill_mode::none);
    to.generated_tokens = f.integer("generated_tokens", 0, max_tokens);
    if (!to.execute && !replaced && to.deliver != deliver_extent::none) to.status = 500;

    parse_delay(f, to.delay);
    parse_drip(f, to.drip);
    to.kill = parse_kill(f);
    return to;
}

}  // namespace provider_sim

// SPDX-License-Identifier: BSL-1.0
#include "ledger/entry.hpp"

#include "base/clock.hpp"

namespace provider_sim {
namespace {

template <class T>
record or_null(std::optional<T> const& value) {
    return value ? record(*value) : record(nullptr);
}

record text_or_null(std::string const& text) { return text.empty() ? record(nullptr) : record(text); }
record time_or_null(std::int64_t t) { return t == 0 ? record(nullptr) : record(t); }

// What every line of a request carries, so that each can be counted without the others.
void add_identity(record& line, entry const& e) {
    line["provider"] = e.provider;
    line["model"] = text_or_null(e.model);
    line["key"] = text_or_null(e.key);
    line["nth"] = e.nth;
    line["request_id"] = e.request_id;
    line["fault"] = text_or_null(e.fault);
    line["pid"] = or_null(e.pid);
    line["run"] = or_null(e.run);
    line["mark"] = text_or_null(e.mark);
}

void add_arrival(record& line, entry const& e) {
    line["t_accept"] = e.t_accept;
    line["t_headers"] = time_or_null(e.t_headers);
    line["t_body_complete"] = time_or_null(e.t_body_complete);
    line["conn_id"] = e.conn_id;
    line["req_on_conn"] = e.req_on_conn;
    line["index"] = e.index;
    line["http_ver"] = e.http_ver;
    line["method"] = e.method;
    line["path"] = e.path;
    line["idem_header"] = text_or_null(e.idem_header);
    line["client_key"] = text_or_null(e.client_key);
    line["x_stainless_retry_count"] = text_or_null(e.retry_count);
    line["body_bytes"] = e.body_bytes;
}

void add_delivery(record& line, entry const& e) {
    line["status"] = e.status == 0 ? record(nullptr) : record(e.status);
    line["executed"] = e.executed;
    line["billed"] = e.billed;
    line["delivered"] = e.delivered;
    line["bytes_out"] = e.bytes_out;
    line["t_first_byte_out"] = time_or_null(e.t_first_byte_out);
    line["t_end"] = now_us();
    line["client_gone_at"] = time_or_null(e.client_gone_at);
    line["signal"] = e.signal;
}

}  // namespace

record send_line(entry const& e, std::uint64_t seq) {
    record line{{"seq", seq}, {"kind", "send"}};
    add_identity(line, e);
    add_arrival(line, e);
    return line;
}

record bill_line(entry const& e, std::uint64_t seq) {
    record line{{"seq", seq}, {"kind", "bill"}, {"send", e.send_seq}, {"t_bill", now_us()}};
    add_identity(line, e);
    line["executed"] = e.executed;
    line["bill"] = e.bill_mode;
    line["in_tok"] = e.used.in_tok;
    line["cached"] = e.used.cached;
    line["out_tok"] = e.used.out_tok;
    line["reasoning"] = e.used.reasoning;
    line["searches"] = e.used.searches;
    line["billed_pusd"] = e.charged.pusd;
    line["billed_nano_usd"] = e.charged.nano_usd;
    return line;
}

record end_line(entry const& e, std::uint64_t seq) {
    record line{{"seq", seq}, {"kind", "end"}, {"send", e.send_seq}};
    add_identity(line, e);
    add_delivery(line, e);
    return line;
}

record partial_line(entry const& e, std::uint64_t seq) {
    record line{{"seq", seq}, {"kind", "partial"}};
    add_identity(line, e);
    add_arrival(line, e);
    return line;
}

record log_line(entry const& e) {
    record line;
    add_identity(line, e);
    add_arrival(line, e);
    line["bill"] = e.bill_mode;
    line["billed_nano_usd"] = e.charged.nano_usd;
    add_delivery(line, e);
    return line;
}

}  // namespace provider_sim

// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of curl_client.hpp.

#include <coffer/http/curl_client.hpp>

namespace coffer::inline COFFER_ABI {

namespace http::curl {

COFFER_INLINE ride::ride(std::shared_ptr<engine> e, std::shared_ptr<transfer> t) noexcept
    : engine_{std::move(e)}, transfer_{std::move(t)} {}

COFFER_INLINE ride::~ride() {
    auto const stage = transfer_->leave();
    if (stage == transfer::stage::unsent || stage == transfer::stage::sent) engine_->withdraw(transfer_);
}

COFFER_INLINE outcome<response> ride::end(wake why) {
    auto const stage = transfer_->leave();
    if (stage == transfer::stage::done) return transfer_->take_result();
    engine_->withdraw(transfer_);
    bool const sent = stage == transfer::stage::sent;
    auto const kind = why == wake::cancelled ? fault_kind::cancelled : fault_kind::timed_out;
    auto const* const what = why == wake::cancelled ? ": cancelled" : ": out of time";
    return failed(
        left(kind, sent, transfer_->status(), transfer_->host() + what + (sent ? "" : " before the request was sent")));
}

}  // namespace http::curl

namespace http {

COFFER_INLINE client_stats client::stats() const noexcept {
    auto const& c = engine_->count();
    return {c.transfers, c.connections, c.resends_prevented, c.spins, c.rebuilds, c.socket_changes};
}

COFFER_INLINE bool client::begin(curl::engine& engine, std::shared_ptr<curl::transfer> const& transfer,
                                 asio::any_io_executor const& executor, bool cancelled, time_point deadline) {
    auto const refused = [&](fault why) { return transfer->refuse(std::move(why)), false; };
    auto const clock = clock_service::of(executor).clock();
    if (cancelled) return refused(fault{fault_kind::cancelled, "cancelled before anything was done"});
    if (deadline <= clock->now())
        return refused(fault{fault_kind::deadline_exceeded, "the deadline had passed before anything was done"});
    auto const& r = transfer->request();
    if (auto wrong = check(r)) return refused(*std::move(wrong));
    auto url = engine.urls().parse(r.url);
    if (!url) return refused(std::move(url).error());
    transfer->prepare(*std::move(url));
    if (&asio::query(executor, asio::execution::context) != engine.context()) transfer->hold_time(outside_work{clock});
    if (!engine.submit(transfer))
        return refused(curl::left(fault_kind::aborted, false, 0, transfer->host() + ": the client's context is gone"));
    return true;
}

}  // namespace http

}  // namespace coffer::inline COFFER_ABI

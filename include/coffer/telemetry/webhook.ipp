// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of webhook.hpp.

#include <coffer/telemetry/webhook.hpp>

#include <stdexcept>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE std::string webhook_body(alarm_report const& a) {
    nlohmann::json const body{
        {"text", "[" + std::string{to_string(a.severity)} + "] " + a.sentence},
        {"alarm", a.id},
        {"kind", to_string(a.kind)},
        {"severity", to_string(a.severity)},
        {"scope", a.scope},
        {"window", a.window},
        {"amount_nano_usd", a.amount.nano()},
        {"against_nano_usd", a.against.nano()},
        {"found_at", std::chrono::duration_cast<std::chrono::seconds>(a.when.time_since_epoch()).count()},
    };
    // Scopes are made of tags, which may hold anything.
    return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

COFFER_INLINE webhook::webhook(llm::any_transport transport, std::string url, webhook_options options)
    : shared_{std::make_shared<shared const>(shared{std::move(transport), std::move(url), std::move(options)})} {
    if (!shared_->url.starts_with("https://") && !shared_->url.starts_with("http://"))
        throw std::invalid_argument{"coffer::webhook: the URL must begin with https:// (or http:// on this machine)"};
    if (!shared_->options.body) throw std::invalid_argument{"coffer::webhook: options.body is empty"};
    if (shared_->options.timeout <= duration::zero())
        throw std::invalid_argument{"coffer::webhook: options.timeout must be positive"};
}

COFFER_INLINE std::string webhook::idempotency_key(std::string const& id) {
    std::string key;
    for (char const c : id) key += c > ' ' && c < 127 ? c : '_';
    return key;
}

}  // namespace coffer::inline COFFER_ABI

// SPDX-License-Identifier: BSL-1.0
#pragma once
// Alarms as HTTP requests: to a chat, a pager, a service of one's own.
//
//     coffer::webhook to_chat{coffer::http::client{context.get_executor()}, "https://hooks.example.com/services/T0/B0/x"};
//     coffer::alarms watch{db, {.tell = {to_chat}}};

#include <coffer/asio.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/later.hpp>
#include <coffer/base/on_use.hpp>
#include <coffer/http/request.hpp>
#include <coffer/llm/any_transport.hpp>
#include <coffer/state/alarm.hpp>
#include <coffer/time/clock_service.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// The body of a webhook: `text` is the sentence, which chats show; beside it every field of the alarm. Amounts are exact,
/// in nano-dollars; the time is in seconds since 1970.
[[nodiscard]] std::string webhook_body(alarm_report const& a);

/// What a webhook sends, and how long it waits.
struct webhook_options {
    /// Names and values; the values are treated as secrets. `Authorization` belongs here.
    std::vector<std::pair<std::string, std::string>> headers{};
    std::function<std::string(alarm_report const&)> body = webhook_body;  ///< JSON
    duration timeout = std::chrono::seconds{20};  ///< of one delivery; then it is tried again later
};

/// A sink for `alarms` that POSTs to a URL; any status from 200 to 299 is taken for delivered. The URL counts as a secret,
/// since those of chats are: it is in no error text. Plain `http://` reaches only this machine.
///
/// A handle; any thread.
class webhook {
public:
    /// Throws `std::invalid_argument` for a URL that is none, or an option that cannot be meant.
    webhook(llm::any_transport transport, std::string url, webhook_options options = {});

    /// Delivers it; throws `failure` if that is not certain.
    template <class = on_use>
    awaitable<void> operator()(alarm_report const& a) const {
        return post(shared_, shared_->options.body(a), a.id);
    }

private:
    struct shared {
        llm::any_transport transport;
        std::string url;
        webhook_options options;
    };

    template <class = on_use>
    static awaitable<void> post(std::shared_ptr<shared const> s, std::string body, std::string id) {
        http::request r{"POST", s->url, std::move(body)};
        r.headers.set("Content-Type", "application/json");
        r.headers.set("Idempotency-Key", idempotency_key(id));
        for (auto const& [name, value] : s->options.headers) {
            r.headers.set(name, value);
            r.sensitive_headers.push_back(name);
        }
        r.max_body_bytes = most_answer;
        auto const executor = co_await asio::this_coro::executor;
        auto const deadline = later(clock_service::of(executor).clock()->now(), s->options.timeout);
        auto sending = s->transport.send(std::move(r), deadline);
        auto const answer = co_await std::move(sending);
        if (!answer)
            throw_failure(fault{answer.error().kind(), "webhook: it could not be delivered (" +
                                                           std::string{to_string(answer.error().kind())} + ")"});
        if (answer->status < 200 || answer->status > 299)
            throw_failure(
                fault{fault_kind::transient, "webhook: the other side answered " + std::to_string(answer->status)});
    }
    /// Header fields hold no line breaks, which a scope might.
    [[nodiscard]] static std::string idempotency_key(std::string const& id);
    static constexpr std::size_t most_answer = std::size_t{64} * 1024;

    std::shared_ptr<shared const> shared_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/telemetry/webhook.ipp>
#endif

// SPDX-License-Identifier: BSL-1.0
#pragma once
// OpenAI's chat completions, and those of everybody who speaks the same protocol, as an operation.
//
//     llm::openai openai{coffer::http::client{io.get_executor()}, llm::api_key_from_env()};
//     auto ask = coffer::pipeline{coffer::retry{}}.wrap(openai.chat);
//
//     coffer::call call{coffer::key{"report", tenant, title}, 2min};
//     auto request = llm::request{"gpt-4o-mini"}.user(question).max_output_tokens(400);
//     llm::reply reply = co_await ask(call, request);

#include <coffer/asio.hpp>
#include <coffer/base/answer.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/base/on_use.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/call/describe.hpp>
#include <coffer/call/operation.hpp>
#include <coffer/http/transport.hpp>
#include <coffer/llm/any_transport.hpp>
#include <coffer/llm/api_key.hpp>
#include <coffer/llm/chat_body.hpp>
#include <coffer/llm/chat_reply.hpp>
#include <coffer/llm/estimate.hpp>
#include <coffer/llm/faults.hpp>
#include <coffer/llm/fingerprint.hpp>
#include <coffer/llm/key_reading.hpp>
#include <coffer/llm/openai_options.hpp>
#include <coffer/llm/provider.hpp>
#include <coffer/llm/rate_headers.hpp>
#include <coffer/llm/redact.hpp>
#include <coffer/llm/reply.hpp>
#include <coffer/llm/request.hpp>

#include <memory>
#include <string>
#include <utility>

namespace coffer::inline COFFER_ABI::llm {

/// `POST /chat/completions`: one physical send for each time it is called.
///
/// **Effects.** Reads the API key, sends the request with the attempt's deadline, brings back the raw body of a 2xx,
/// without the key if that was echoed in it.
/// The output maximum is the smaller one of the request's and of `attempt::output_limit`.
/// Nothing is sent for a request that cannot be written as JSON (`invalid_request`) or without a key (`unauthorized`).
///
/// **Outcome.** Any other status is a fault (`fault_of_response`). What a 2xx is worth, `decode` says.
///
/// **A refused key** is read once more in a call. If the source then gives another one, the fault is `stale_credentials`
/// instead of `unauthorized`, and another attempt, which `retry` makes, sends with that one. It is an attempt of its own,
/// and no second send within this one, so that permits, limits, budgets and the log see each physical request.
///
/// **Cancellation.** That of the transport: what was sent is `cancelled` with maybe/maybe. Waiting for a key ends with the
/// attempt's deadline or when the call is cancelled (`not_sent`, which a pipeline tells as `cancelled`), with no/no.
///
/// **Thread safety.** Copies share what cannot change; any thread.
class chat_operation {
public:
    /// With a transport, keys and options, all of which are copied or moved in.
    chat_operation(any_transport transport, api_key key, openai_options options);

    /// One send. See above.
    template <class = on_use>
    [[nodiscard]] awaitable<outcome<answer>> operator()(attempt& a, request const& r) const {
        return run(settings_, a, r);
    }

    /// What the user sees of an answer, or why it is not accepted. See `read_chat`.
    [[nodiscard]] outcome<reply> decode(answer const& a) const { return read_chat(a, settings_->options); }
    /// Usage and cost of an answer, accepted or not. See `bill_chat`.
    [[nodiscard]] billed bill(answer const& a) const { return bill_chat(a, settings_->options); }
    /// What makes two requests the same. See `fingerprint_of`.
    [[nodiscard]] coffer::fingerprint fingerprint(request const& r) const { return fingerprint_of(r); }
    /// The provider's name and the request's model.
    [[nodiscard]] coffer::target target(request const& r) const { return {settings_->options.provider, model_of(r)}; }
    /// An upper bound, or no cost where there is none. See `estimate_of`.
    [[nodiscard]] coffer::estimate estimate(request const& r) const { return estimate_of(r, settings_->options); }

    /// What a pipeline prints at its end: the provider's name.
    void describe(composition& to) const { to.name(settings_->options.provider); }

    /// As they were given.
    [[nodiscard]] openai_options const& options() const noexcept { return settings_->options; }

private:
    struct settings {
        settings(any_transport t, api_key k, openai_options o);
        any_transport transport;
        detail::key_desk keys;
        openai_options options;
        std::string url;
    };

    [[nodiscard]] static outcome<http::request> http_request(settings const& s, attempt const& a, request const& r,
                                                             std::string const& key);

    [[nodiscard]] static outcome<answer> taken(http::response got, settings const& s, request const& r,
                                               std::string const& key, attempt& a);

    /// Is it worth reading the key again? Once in a call, and not for a proxy's own credentials.
    [[nodiscard]] static bool may_be_stale(fault const& why, settings const& s, attempt const& a);
    [[nodiscard]] static fault stale(fault const& refused);

    // After the first cancellation Asio throws at the next suspension: it is looked for before each but the first.
    // Attempt and request live in the walk.
    template <class = on_use>
    static awaitable<outcome<answer>> run(std::shared_ptr<settings const> s, attempt& a, request const& r) {
        auto const executor = co_await asio::this_coro::executor;
        auto const replaced_before = s->keys.replaced();
        std::string key;
        {
            auto const first = s->keys.read(executor, key_request{a.deadline()});
            if (first.key() == nullptr) {
                co_await first.until(clock_service::of(executor), a.deadline());
                auto const state = co_await asio::this_coro::cancellation_state;
                if (state.cancelled() != asio::cancellation_type::none)
                    co_return failed(fault_kind::not_sent, "cancelled before there was an API key to send with");
            }
            auto const* const given = first.key();
            if (given == nullptr)
                co_return failed(fault_kind::not_sent, "the source of the API key gave none in the attempt's time");
            if (!*given) co_return failed(given->error());
            key = **given;
        }

        auto made = http_request(*s, a, r, key);
        if (!made) co_return failed(std::move(made).error());
        auto sending = s->transport.send(*std::move(made), a.deadline());
        auto got = co_await std::move(sending);
        if (!got) co_return failed(refined(std::move(got).error(), s->options.rules));
        auto told = taken(*std::move(got), *s, r, key, a);
        if (told || key.empty() || !may_be_stale(told.error(), *s, a)) co_return told;

        if (s->keys.replaced() != replaced_before) co_return failed(stale(told.error()));
        auto const state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) co_return told;
        auto const second = s->keys.read_again(executor, key_request{a.deadline(), key});
        if (second.key() == nullptr) co_await second.until(clock_service::of(executor), a.deadline());
        auto const* const now = second.key();
        if (now == nullptr || !*now || **now == key) co_return told;
        s->keys.note_replaced();
        co_return failed(stale(told.error()));
    }

    std::shared_ptr<settings const> settings_;
};

static_assert(provider<chat_operation, request, reply>);

/// A provider of OpenAI's shape: over a transport, which is a handle and is copied. Copies share everything.
///
///     llm::openai openai{coffer::http::client{io.get_executor()}, llm::api_key_from_env()};
///     auto const ask = coffer::pipeline{coffer::retry{}}.wrap(openai.chat);
///     llm::openai groq{client, llm::api_key_from_file("/run/secrets/groq"), llm::openai_options::groq()};
///
/// Nothing is sent or looked up when it is made: a URL that cannot be, or a key that is not there, is the first attempt's
/// fault (`forbidden`, `unauthorized`), proven unsent. What calling `chat` means, `chat_operation` says. Any thread.
class openai {
public:
    /// Any `http::transport`: `http::client`, or a scripted one in tests. Options are copied in.
    openai(any_transport transport, api_key key, openai_options options = {});

    /// The operation to be wrapped. A value of its own: it may outlive this.
    chat_operation chat;
};

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/openai.ipp>
#endif

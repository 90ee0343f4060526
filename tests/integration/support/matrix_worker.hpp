// SPDX-License-Identifier: BSL-1.0
#pragma once
// A job's process: one paid call over the real client and the real store. It stops itself at an appointed moment, so
// that whoever watches it can strike exactly there.

#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/llm/openai.hpp>
#include <coffer/policy/journal.hpp>
#include <coffer/store/sqlite.hpp>

#include "integration/support/full_disk.hpp"
#include "store/child_process.hpp"

#include <asio/io_context.hpp>

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace kill_matrix {

using namespace std::chrono_literals;

inline constexpr auto lease = 500ms;

/// What a worker is told, as the words of its command.
struct orders {
    std::filesystem::path directory;
    std::string url;
    std::string stop_at;  ///< a moment's name; empty: none
    int max_sends = 2;
    bool awaits_space = false;  ///< what could not be done is tried once more when there is space again
    std::chrono::milliseconds attempt_timeout = 20s;
    std::chrono::milliseconds store_wait = 2s;
    bool acknowledges = true;

    [[nodiscard]] store_test::child_arguments words() const {
        return {directory,
                url,
                stop_at,
                std::to_string(max_sends),
                std::to_string(static_cast<int>(awaits_space)),
                std::to_string(attempt_timeout.count()),
                std::to_string(store_wait.count()),
                std::to_string(static_cast<int>(acknowledges))};
    }
    [[nodiscard]] static orders of(store_test::child_arguments const& w) {
        return {w.at(0),
                w.at(1),
                w.at(2),
                std::stoi(w.at(3)),
                w.at(4) == "1",
                std::chrono::milliseconds{std::stoi(w.at(5))},
                std::chrono::milliseconds{std::stoi(w.at(6))},
                w.at(7) == "1"};
    }
    [[nodiscard]] std::filesystem::path store() const { return directory / "coffer.db"; }
    /// The disk is full while this exists.
    [[nodiscard]] std::filesystem::path disk_is_full() const { return directory / "full"; }
};

[[nodiscard]] inline coffer::key the_key() { return coffer::key{"report", "tenant", 1}; }

/// Stops the process, all of it, the first time that the appointed moment comes.
class appointment {
public:
    explicit appointment(std::string moment) : moment_{std::move(moment)} {}
    void now(std::string const& moment) {
        if (moment == moment_ && !kept_.exchange(true)) ::raise(SIGSTOP);
    }

private:
    std::string moment_;
    std::atomic<bool> kept_{false};
};

/// The HTTP client, and the two moments around a send that neither store nor provider can tell.
class watched_transport {
public:
    watched_transport(coffer::http::client client, appointment& when) : client_{std::move(client)}, when_{&when} {}

    [[nodiscard]] coffer::awaitable<coffer::outcome<coffer::http::response>> send(coffer::http::request r,
                                                                                  coffer::time_point deadline) const {
        when_->now("first_byte before");
        auto sending = client_.send(std::move(r), deadline);
        auto got = co_await std::move(sending);
        when_->now("last_byte after");
        co_return got;
    }

private:
    coffer::http::client client_;
    appointment* when_;
};

/// Judges an answer only once it is stored, where that is asked for: otherwise answer and acceptance may share a commit,
/// and there is no moment between them.
class patient_chat : public coffer::llm::chat_operation {
public:
    patient_chat(coffer::llm::chat_operation const& chat, std::atomic<bool> const* stored)
        : chat_operation{chat}, stored_{stored} {}

    [[nodiscard]] coffer::outcome<coffer::llm::reply> decode(coffer::answer const& a) const {
        if (stored_ != nullptr) stored_->wait(false);
        return chat_operation::decode(a);
    }

private:
    std::atomic<bool> const* stored_;
};

class worker {
public:
    explicit worker(orders o)
        : orders_{std::move(o)},
          appointment_{orders_.stop_at},
          probe_{[this](coffer::store_step step, coffer::edge e) {
              appointment_.now(std::string{to_string(step)} + (e == coffer::edge::before ? " before" : " after"));
              if (step == coffer::store_step::answer && e == coffer::edge::after) {
                  stored_ = true;
                  stored_.notify_all();
              }
          }},
          db_{orders_.store(), store_options()},
          ask_{coffer::pipeline{
              coffer::once{db_, journal_options()},
              coffer::retry{{.schedule = coffer::backoff{.base = 10ms, .cap = 100ms}, .ambiguous_delay = 50ms}},
          }
                   .wrap(patient_chat{provider().chat, is_patient() ? &stored_ : nullptr})} {}
    worker(worker const&) = delete;
    worker& operator=(worker const&) = delete;

    void run() {
        std::exception_ptr thrown;
        auto const ended = [&thrown](std::exception_ptr e) { thrown = std::move(e); };
        asio::co_spawn(io_, job(), ended);
        io_.run();
        if (thrown) std::rethrow_exception(thrown);
    }

private:
    [[nodiscard]] coffer::sqlite::options store_options() const {
        coffer::sqlite::options o;
        o.busy_timeout = 200ms;
        o.close_timeout = 100ms;
        o.probe = &probe_;
        return o;
    }
    [[nodiscard]] coffer::once_options journal_options() const {
        return {.max_sends = orders_.max_sends,
                .lease = lease,
                .heartbeat = lease / 3,
                .attempt_timeout = orders_.attempt_timeout,
                .finish_grace = 0ms,
                .takeover_grace = 100ms,
                .store_wait = orders_.store_wait};
    }
    /// Is there to be a moment between answer and acceptance?
    [[nodiscard]] bool is_patient() const {
        return orders_.stop_at == "answer after" || orders_.stop_at == "accept before";
    }
    /// The simulator learns from a header whom it may stop.
    [[nodiscard]] coffer::llm::openai provider() {
        coffer::llm::openai_options o;
        o.base_url = orders_.url + "/v1";
        o.headers.set("x-sim-pid", std::to_string(::getpid()));
        return coffer::llm::openai{watched_transport{coffer::http::client{io_.get_executor()}, appointment_},
                                   coffer::llm::api_key{"sk-test"}, std::move(o)};
    }

    coffer::awaitable<void> job() {
        bool answered = false;
        for (int tries = orders_.awaits_space ? 2 : 1; tries > 0; --tries) {
            if (!answered) answered = co_await ask();
            if (answered && !orders_.acknowledges) co_return;
            if (answered && co_await acknowledge()) co_return;
            if (tries == 2) {
                store_test::tell("waits for space");
                ::raise(SIGSTOP);
            }
        }
    }
    coffer::awaitable<bool> ask() {
        coffer::call call{the_key(), 30s};
        auto const request = coffer::llm::request{"gpt-4o-mini"}.user("What is in the report?").max_output_tokens(100);
        auto const reply = co_await ask_.try_call(call, request);
        if (reply) store_test::tell((call.stored() ? "answer " : "unstored answer ") + reply->id);
        else store_test::tell(std::string{to_string(reply.error().kind())});
        co_return reply.has_value();
    }
    coffer::awaitable<bool> acknowledge() {
        std::string told = "acknowledged";
        try {
            auto acknowledging = db_.acknowledge(the_key());
            co_await std::move(acknowledging);
        } catch (coffer::failure const& f) {
            told = "not acknowledged: " + std::string{to_string(f.fault().kind())};
        }
        store_test::tell(told);
        co_return told == "acknowledged";
    }

    orders const orders_;
    appointment appointment_;
    std::atomic<bool> stored_{false};
    coffer::store_probe const probe_;
    asio::io_context io_;
    coffer::sqlite::store db_;
    coffer::guarded<coffer::llm::reply(coffer::llm::request const&)> ask_;
};

/// The whole process.
inline int work(store_test::child_arguments const& words) {
    auto const o = orders::of(words);
    full_disk::while_there_is(o.disk_is_full());
    try {
        worker{o}.run();
    } catch (std::exception const& e) {  // the store cannot be opened
        store_test::tell(std::string{"thrown: "} + e.what());
    }
    return 0;
}

}  // namespace kill_matrix

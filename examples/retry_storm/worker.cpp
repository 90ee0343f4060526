// SPDX-License-Identifier: BSL-1.0
#include "worker.hpp"

#include "app_database.hpp"
#include "arms.hpp"
#include "job.hpp"
#include "provider.hpp"

#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/llm/openai.hpp>
#include <coffer/policy/journal.hpp>
#include <coffer/store/sqlite.hpp>

#include <asio/io_context.hpp>

#include <csignal>
#include <fstream>
#include <iostream>

namespace retry_storm {
namespace {

using namespace std::chrono_literals;

/// The application's path to the provider, the same for both arms.
coffer::llm::openai provider_client(asio::io_context& io, std::string const& url) {
    coffer::llm::openai_options options;
    options.base_url = url + "/v1";
    return coffer::llm::openai{coffer::http::client{io.get_executor()}, coffer::llm::api_key{"sk-demo"}, options};
}

/// No policies: what the backend did on the day.
asker naive(coffer::llm::openai const& openai) {
    auto const ask = coffer::pipeline{}.wrap(openai.chat);
    return [ask](std::size_t, coffer::llm::request const& request) -> coffer::awaitable<coffer::llm::reply> {
        auto call = coffer::call::unkeyed();
        co_return co_await ask(call, request);
    };
}

/// The same behind a ledger: nothing is remembered, but the money ends at the limit.
asker budgeted(coffer::sqlite::store const& db, coffer::llm::openai const& openai) {
    auto const ask =
        coffer::pipeline{coffer::budget{db, {.scope = "reports", .limit = money_limit, .window = coffer::daily}}}.wrap(
            openai.chat);
    return [ask](std::size_t, coffer::llm::request const& request) -> coffer::awaitable<coffer::llm::reply> {
        auto call = coffer::call::unkeyed();
        co_return co_await ask(call, request);
    };
}

/// Notes every call that the job makes, before it is made: a killed worker's counts too.
asker counted(worker_options const& o, asker ask) {
    return [path = o.dir + "/calls.txt", ask = std::move(ask)](std::size_t step, coffer::llm::request const& request) {
        std::ofstream{path, std::ios::app} << steps[step] << '\n';
        return ask(step, request);
    };
}

/// coffer's defaults, but for waits scaled down to a demo's patience, and for jobs that the demo does not want stopped.
class guarded_job {
public:
    guarded_job(guarded_job const&) = delete;
    guarded_job& operator=(guarded_job const&) = delete;
    guarded_job(worker_options const& o, coffer::llm::openai const& openai)
        : options_{o},
          probe_{assassin(o.die)},
          db_{o.dir + "/coffer.db", {.probe = probe_ ? &probe_ : nullptr}},
          ask_{coffer::pipeline{
              coffer::once{db_},
              coffer::retry{{.schedule = coffer::backoff{.base = 10ms, .cap = 100ms}, .ambiguous_delay = 50ms}},
          }
                   .wrap(openai.chat)} {}

    coffer::awaitable<void> run_once(app_database& app) const {
        coffer::journal_options limits;
        if (options_.arm != "stopped") limits.max_runs = limits.same_failure = 1000;
        auto const body = [this, &app](coffer::journal& run) -> coffer::awaitable<void> {
            if (options_.arm == "preflight") run.preflight([this, &app] { app.rehearse(options_.job); });
            asker const asked = [this, &run](std::size_t step, coffer::llm::request const& request) {
                return ask(run, step, request);
            };
            asker const ask_counted = counted(options_, asked);
            co_await run_job(options_.job, app, ask_counted);
        };
        coffer::key const job{"report", options_.job};
        co_await coffer::run_job(db_, job, limits, body);
    }

private:
    coffer::awaitable<coffer::llm::reply> ask(coffer::journal& run, std::size_t step,
                                              coffer::llm::request const& request) const {
        auto reply = co_await run.try_step(steps[step], ask_, request);
        if (options_.run == 1) {
            std::ofstream log{options_.dir + "/attempts-" + options_.job + ".txt", std::ios::app};
            log << "call " << step + 1 << " (" << steps[step] << ")\n" << run.call_of(steps[step]).log() << '\n';
        }
        co_return coffer::value_or_throw(std::move(reply));
    }

    /// Kills this process at the appointed moment, as the machine's out-of-memory killer would: without a word.
    static coffer::store_probe assassin(std::optional<deadly_moment> const& die) {
        if (!die) return {};
        return [die = *die, seen = 0](coffer::store_step step, coffer::edge edge) mutable {
            auto const here = edge == coffer::edge::before ? "before" : "after";
            if (coffer::to_string(step) == die.step && die.edge == here && ++seen == die.nth)
                ::kill(::getpid(), SIGKILL);
        };
    }

    worker_options const& options_;
    coffer::store_probe probe_;
    coffer::sqlite::store db_;
    coffer::guarded<coffer::llm::reply(coffer::llm::request const&)> ask_;
};

coffer::awaitable<void> announce(asio::io_context& io, worker_options const& o) {
    json hello{{"pid", ::getpid()}, {"run", o.run}};
    co_await control(coffer::http::client{io.get_executor()}, o.url, "/control/hello", hello);
}

coffer::awaitable<void> naive_run(asio::io_context& io, worker_options const& o, app_database& app) {
    co_await announce(io, o);
    auto const openai = provider_client(io, o.url);
    asker const ask = counted(o, naive(openai));
    co_await run_job(o.job, app, ask);
}

coffer::awaitable<void> budgeted_run(asio::io_context& io, worker_options const& o, app_database& app) {
    co_await announce(io, o);
    auto const openai = provider_client(io, o.url);
    coffer::sqlite::store const db{o.dir + "/coffer.db"};
    asker const ask = counted(o, budgeted(db, openai));
    co_await run_job(o.job, app, ask);
}

coffer::awaitable<void> guarded_run(asio::io_context& io, worker_options const& o, app_database& app) {
    co_await announce(io, o);
    auto const openai = provider_client(io, o.url);
    guarded_job const job{o, openai};
    co_await job.run_once(app);
}

}  // namespace

run_end work(worker_options const& o) {
    asio::io_context io;
    app_database app{o.dir + "/app.db"};
    std::exception_ptr error;
    auto const ended = [&error](std::exception_ptr e) { error = e; };
    asio::co_spawn(io,
                   o.arm == "naive"    ? naive_run(io, o, app)
                   : o.arm == "budget" ? budgeted_run(io, o, app)
                                       : guarded_run(io, o, app),
                   ended);
    io.run();
    try {
        if (error) std::rethrow_exception(error);
        return run_end::done;
    } catch (coffer::failure const& failure) {
        std::ofstream{o.dir + "/worker.log", std::ios::app} << o.job << " run " << o.run << ": " << failure.what()
                                                            << '\n';
        auto const refused = failure.fault().kind() == coffer::fault_kind::run_refused;
        return refused ? run_end::refused : run_end::call_failed;
    } catch (std::exception const& failed) {
        std::ofstream{o.dir + "/worker.log", std::ios::app} << o.job << " run " << o.run << ": " << failed.what()
                                                            << '\n';
        return run_end::save_failed;
    }
}

}  // namespace retry_storm

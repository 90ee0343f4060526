// SPDX-License-Identifier: BSL-1.0
// A web service on cpp-httplib's threads: POST /jobs answers 202, GET /jobs/{id} the result once there is one.

//! [program]
#include <coffer/call/blocking_client.hpp>
#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/llm/openai.hpp>
#include <coffer/store/attach.hpp>
#include <coffer/store/drain_on_signal.hpp>
#include <coffer/store/sqlite.hpp>

#include <httplib.h>
#include <asio/use_future.hpp>

#include <iostream>

using namespace coffer::llm;
using namespace std::chrono_literals;

void tell(httplib::Response& out, coffer::outcome<reply> const& reply) {
    if (reply) return out.set_content(reply->text + "\n", "text/plain");
    auto const [action, status, delay] = coffer::disposition(reply.error());  // what the fault means to who asked
    if (delay) out.set_header("Retry-After", std::to_string(std::chrono::ceil<std::chrono::seconds>(*delay).count()));
    out.status = status, out.set_content(std::string{to_string(reply.error().kind())} + "\n", "text/plain");
}

int main() {
    coffer::sqlite::store const db{"jobs.db"};
    coffer::blocking_client client;
    openai const gpt{coffer::http::client{client.executor()}, api_key_from_env(), openai_options::from_env()};
    auto const ask = coffer::pipeline{coffer::once{db}, coffer::retry{}}.wrap(gpt.chat);
    std::mutex mutex;
    std::map<std::string, std::shared_future<coffer::outcome<reply>>> jobs;  // that this process has begun
    httplib::Server server;
    server.Post("/jobs", [&](httplib::Request const& in, httplib::Response& out) {
        auto const id = in.get_header_value("Idempotency-Key");  // the same one again: the same job, paid for once
        if (id.empty()) return void(out.status = 400);
        auto const question = request{"gpt-4o-mini"}.user(in.body).max_output_tokens(500);
        auto const later = asio::bind_executor(client.executor(), asio::use_future);
        std::lock_guard const lock{mutex};
        jobs[id] = ask.async_call(coffer::call{coffer::key{"job", id}, 10min}, question, later).share();
        out.status = 202;
        out.set_header("Location", "/jobs/" + id);
    });
    server.Get("/jobs/(.+)", [&](httplib::Request const& in, httplib::Response& out) {
        auto const id = in.matches[1].str();
        std::unique_lock lock{mutex};
        auto const job = jobs.contains(id) ? jobs.at(id) : decltype(jobs)::mapped_type{};
        lock.unlock();
        if (!job.valid()) return tell(out, client.wait_for(coffer::attach(db, coffer::key{"job", id}, gpt.chat, 0s)));
        if (job.wait_for(in.has_param("wait") ? 10s : 0s) != std::future_status::ready) return void(out.status = 202);
        tell(out, job.get());
    });
    asio::co_spawn(client.executor(), coffer::drain_on_signal(db, 25s), [&](auto, auto) { server.stop(); });
    std::cout << "http://127.0.0.1:" << server.bind_to_any_port("127.0.0.1") << std::endl;
    server.listen_after_bind();
}
//! [program]

// SPDX-License-Identifier: BSL-1.0
// docs/migrate.md: curl_easy on a pool of threads, and the same callers with coffer around it and with coffer's own client. All are
// run against a server that counts what it has billed.

#include <coffer/call/blocking_client.hpp>
#include <coffer/call/from_blocking.hpp>
#include <coffer/coffer.hpp>
#include <coffer/http/curl_client.hpp>
#include <coffer/llm/openai.hpp>
#include <coffer/store/memory.hpp>

#include <curl/curl.h>
#include <gtest/gtest.h>

#include <asio/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "http/support/raw_server.hpp"
#include "support/http_kind.hpp"

using namespace std::chrono_literals;

namespace migrate_curl_page {
namespace {

using coffer::http::tests::peer;
using coffer::http::tests::raw_server;
using migrate_page::code_of;
using migrate_page::kind_of;

std::string body_of(std::string const& prompt) {
    return R"({"model":"gpt-4o-mini","messages":[{"role":"user","content":")" + prompt + R"("}]})";
}

//! [post]
/// What the program's own code throws.
struct post_error : std::runtime_error {
    post_error(CURLcode c, long s, std::string b)
        : std::runtime_error{c != CURLE_OK ? curl_easy_strerror(c) : "HTTP " + std::to_string(s)},
          code{c},
          status{static_cast<int>(s)},
          body{std::move(b)} {}
    CURLcode code;
    int status;  // of the reply, if there was one
    std::string body;  // the reply's: what is wrong stands there, and not in the status
};

/// Sends a body, and waits for the reply.
std::string post(std::string const& url, std::string const& body, std::chrono::milliseconds timeout) {
    std::unique_ptr<CURL, void (*)(CURL*)> const easy{curl_easy_init(), &curl_easy_cleanup};
    std::string reply;
    curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
    curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &reply);
    auto const append = +[](char* data, std::size_t, std::size_t size, void* to) {
        static_cast<std::string*>(to)->append(data, size);
        return size;
    };
    curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, append);
    auto const code = curl_easy_perform(easy.get());
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status != 200) throw post_error{code, status, std::move(reply)};
    return reply;
}
//! [post]

//! [before]
/// Called by the threads of the program's pool.
std::string chat(std::string const& url, std::string const& prompt) {
    for (int attempt = 1;; ++attempt) {
        try {
            return post(url, body_of(prompt), 60s);
        } catch (post_error const&) {
            if (attempt == 3) throw;
        }
    }
}
//! [before]

//! [rule]
coffer::fault meaning(post_error const& e) {
    using enum coffer::fault_kind;
    switch (e.code) {
        case CURLE_OK: break;
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_CONNECT: return coffer::fault{not_sent, e.what()};
        default: return coffer::fault{ambiguous, e.what()};  // it may have been sent, and billed
    }
    return coffer::fault{kind_of(e.status, code_of(e.body))}.with_status(e.status);
}
//! [rule]

std::string const completion =
    R"({"id":"c","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"an answer"}}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}})";

/// A server that executes every request it has read, unless it says 429; the first `lost` replies do not arrive.
class billing_server {
public:
    explicit billing_server(int lost = 0, std::string status = "200 OK", std::string body = completion)
        : lost_{lost}, status_{std::move(status)}, body_{std::move(body)} {}
    [[nodiscard]] std::string origin() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }
    [[nodiscard]] int requests() const { return requests_; }
    [[nodiscard]] int bills() const { return status_.starts_with("429") ? 0 : requests(); }

private:
    void serve(peer& p) {
        while (!p.read_request().empty()) {
            if (requests_++ < lost_) return p.rst();
            p.write("HTTP/1.1 " + status_ + "\r\nContent-Type: application/json\r\nContent-Length: " +
                    std::to_string(body_.size()) + "\r\n\r\n" + body_);
        }
    }
    int lost_;
    std::string status_, body_;
    std::atomic<int> requests_{0};
    raw_server server_{[this](peer& p) { serve(p); }};
};

/// Runs the job three times, as a queue does whose last step fails.
std::string with_own_curl(std::string const& url, int runs) {
    std::string reply;
    coffer::memory_store const db;
    //! [own_curl]
    asio::thread_pool threads{16};
    auto const operation =
        coffer::describe(coffer::from_blocking(threads.get_executor(),
                                               [url](coffer::send_terms const& terms, std::string const& prompt) {
                                                   auto const left =
                                                       std::chrono::floor<std::chrono::milliseconds>(terms.timeout());
                                                   auto const limit = std::max(left, 1ms);  // 0 is for ever to curl
                                                   return post(url, body_of(prompt), limit);
                                               }))
            .classify(&meaning)
            .fingerprint([](std::string const& p) { return coffer::fingerprint{}.with("prompt", p); });
    auto const ask =
        coffer::pipeline{coffer::once{db, {.max_sends = 1}}, coffer::retry{}, coffer::bulkhead{{.limit = 16}}}.wrap(
            operation);
    coffer::blocking_client client;
    //! [own_curl]
    for (int run = 0; run < runs; ++run) {
        //! [own_curl_call]
        coffer::call call{coffer::key{"summary", 42}, 2min};
        auto const got = client.try_run(ask, call, std::string{"why?"});  // any thread; coffer::outcome<std::string>
        //! [own_curl_call]
        reply = got ? *got : "";
    }
    return reply;
}

std::string with_coffers_client(std::string const& origin, int runs) {
    std::string text;
    coffer::memory_store const db;
    //! [coffers_client]
    namespace llm = coffer::llm;
    coffer::blocking_client client;
    llm::openai_options options;
    options.base_url = origin + "/v1";
    llm::openai const openai{coffer::http::client{client.executor()},
                             llm::api_key{[] { return std::string{"sk-..."}; }}, options};
    auto const ask = coffer::pipeline{coffer::once{db, {.max_sends = 1}}, coffer::retry{}}.wrap(openai.chat);
    //! [coffers_client]
    for (int run = 0; run < runs; ++run) {
        //! [coffers_client_call]
        coffer::call call{coffer::key{"summary", 42}, 2min};
        auto const request = llm::request{"gpt-4o-mini"}.user("why?").max_output_tokens(200);
        auto const got = client.try_run(ask, call, request);  // coffer::outcome<llm::reply>
        //! [coffers_client_call]
        text = got ? got->text : "";
    }
    return text;
}

TEST(migrate_from_curl, a_job_that_is_run_again_pays_again) {
    billing_server before;
    for (int run = 0; run < 3; ++run)
        EXPECT_NE(chat(before.origin() + "/v1/chat/completions", "why?").find("an answer"), std::string::npos);
    EXPECT_EQ(before.bills(), 3);
    billing_server own;
    EXPECT_NE(with_own_curl(own.origin() + "/v1/chat/completions", 3).find("an answer"), std::string::npos);
    EXPECT_EQ(own.bills(), 1);
    billing_server theirs;
    EXPECT_EQ(with_coffers_client(theirs.origin(), 3), "an answer");
    EXPECT_EQ(theirs.bills(), 1);
}

TEST(migrate_from_curl, a_lost_reply_is_paid_again) {
    billing_server before{2};
    EXPECT_NE(chat(before.origin() + "/v1/chat/completions", "why?").find("an answer"), std::string::npos);
    EXPECT_EQ(before.bills(), 3);
    billing_server own{2};
    EXPECT_EQ(with_own_curl(own.origin() + "/v1/chat/completions", 3), "");
    EXPECT_EQ(own.bills(), 1);
    billing_server theirs{2};
    EXPECT_EQ(with_coffers_client(theirs.origin(), 3), "");
    EXPECT_EQ(theirs.bills(), 1);
}

TEST(migrate_from_curl, an_empty_account_is_asked_again) {
    std::string const why = R"({"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}})";
    billing_server before{0, "429 Too Many Requests", why};
    EXPECT_THROW((void)chat(before.origin() + "/v1/chat/completions", "why?"), post_error);
    EXPECT_EQ(before.requests(), 3);
    billing_server own{0, "429 Too Many Requests", why};
    EXPECT_EQ(with_own_curl(own.origin() + "/v1/chat/completions", 1), "");
    EXPECT_EQ(own.requests(), 1);
    billing_server theirs{0, "429 Too Many Requests", why};
    EXPECT_EQ(with_coffers_client(theirs.origin(), 1), "");
    EXPECT_EQ(theirs.requests(), 1);
}

TEST(migrate_from_curl, a_gateway_gives_up_on_what_is_executed) {
    std::string const page = "<html><h1>503 Service Unavailable</h1></html>";
    billing_server before{0, "503 Service Unavailable", page};
    EXPECT_THROW((void)chat(before.origin() + "/v1/chat/completions", "why?"), post_error);
    EXPECT_EQ(before.bills(), 3);
    billing_server own{0, "503 Service Unavailable", page};
    EXPECT_EQ(with_own_curl(own.origin() + "/v1/chat/completions", 21), "");
    EXPECT_EQ(own.bills(), 1);
    billing_server theirs{0, "503 Service Unavailable", page};
    EXPECT_EQ(with_coffers_client(theirs.origin(), 21), "");
    EXPECT_EQ(theirs.bills(), 1);
}

TEST(migrate_from_curl, only_a_provider_s_own_error_has_a_code) {
    EXPECT_EQ(code_of(R"({"error":{"code":"server_is_overloaded"}})"), "server_is_overloaded");
    for (auto const* body : {"", "<html>", "[]", "7", R"("error")", R"({"error":"busy"})", R"({"error":["code"]})",
                             R"({"error":{"code":null}})", R"({"error":{"code":503}})", R"({"error":{"code":"x)"})
        EXPECT_EQ(code_of(body), "") << body;
}

}  // namespace
}  // namespace migrate_curl_page

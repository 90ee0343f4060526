// SPDX-License-Identifier: BSL-1.0
#pragma once
// The bare thing that the client is compared with: a curl_multi_poll loop over easy handles that are used again.

#include <curl/curl.h>

#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace bench {

class bare_curl {
public:
    explicit bare_curl(std::string const& body) : body_{body} {
        for (auto const* line :
             {"Content-Type: application/json", "Authorization: Bearer sk-0123456789abcdef", "Expect:"})
            headers_ = curl_slist_append(headers_, line);
    }
    bare_curl(bare_curl const&) = delete;
    bare_curl& operator=(bare_curl const&) = delete;
    ~bare_curl() {
        for (auto const& o : all_) {
            curl_multi_remove_handle(multi_, o->easy);
            curl_easy_cleanup(o->easy);
        }
        curl_multi_cleanup(multi_);
        curl_slist_free_all(headers_);
    }

    /// `requests` of them, so many at a time, to their end.
    void run(std::string const& url, int concurrency, int requests) {
        curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(concurrency));
        int started = 0;
        int finished = 0;
        auto const again = [&](one& o) {
            o.answer.clear();
            ++started;
            curl_multi_add_handle(multi_, o.easy);
        };
        for (int i = 0; i < concurrency; ++i) again(add(url));
        while (finished < requests) {
            bool any = false;
            perform();
            while (auto* const o = take_ended()) {
                any = true;
                ++finished;
                if (started < requests) again(*o);
            }
            if (!any) curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
        }
    }
    /// Begins `count` requests, and works on them until `reports` has brought a byte for each.
    void hold(std::string const& url, int count, int reports) {
        for (int i = 0; i < count; ++i) curl_multi_add_handle(multi_, add(url).easy);
        curl_waitfd extra{reports, CURL_WAIT_POLLIN, 0};
        for (int reported = 0; reported < count;) {
            perform();
            curl_multi_poll(multi_, &extra, 1, 1000, nullptr);
            char bytes[256];
            if ((extra.revents & CURL_WAIT_POLLIN) != 0)
                reported += static_cast<int>(::read(reports, bytes, sizeof bytes));
        }
    }

private:
    struct one {
        CURL* easy;
        std::string answer;
    };

    one& add(std::string const& url) {
        auto& o = *all_.emplace_back(std::make_unique<one>());
        o.easy = curl_easy_init();
        curl_easy_setopt(o.easy, CURLOPT_URL, url.c_str());
        curl_easy_setopt(o.easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(o.easy, CURLOPT_HTTPHEADER, headers_);
        curl_easy_setopt(o.easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body_.size()));
        curl_easy_setopt(o.easy, CURLOPT_POSTFIELDS, body_.c_str());
        curl_easy_setopt(o.easy, CURLOPT_WRITEFUNCTION, &collect);
        curl_easy_setopt(o.easy, CURLOPT_WRITEDATA, &o.answer);
        curl_easy_setopt(o.easy, CURLOPT_PRIVATE, &o);
        return o;
    }
    void perform() {
        int running = 0;
        if (curl_multi_perform(multi_, &running) != CURLM_OK) std::abort();
    }
    one* take_ended() {
        int left = 0;
        auto* const message = curl_multi_info_read(multi_, &left);
        if (message == nullptr) return nullptr;
        if (message->data.result != CURLE_OK) std::abort();
        one* o = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &o);
        curl_multi_remove_handle(multi_, o->easy);
        return o;
    }
    static std::size_t collect(char* data, std::size_t, std::size_t size, void* to) {
        static_cast<std::string*>(to)->append(data, size);
        return size;
    }

    std::string const& body_;
    CURLM* const multi_ = curl_multi_init();
    curl_slist* headers_ = nullptr;
    std::vector<std::unique_ptr<one>> all_;
};

}  // namespace bench

// SPDX-License-Identifier: BSL-1.0
#pragma once
// A job of three steps whose results have to be saved, and what its runs came to.

#include <coffer/call/pipeline.hpp>
#include <coffer/policy/journal.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include "policy/support/provider.hpp"
#include "support/simulation.hpp"

#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// What became of something that coffer was asked: a fault, another exception, or nothing of the kind.
struct said {
    std::optional<coffer::fault> fault;
    std::string thrown;  ///< the words of another exception
    [[nodiscard]] bool ok() const noexcept { return !fault && thrown.empty(); }
    [[nodiscard]] std::string text() const {
        return fault ? std::string{to_string(fault->kind())} : thrown.empty() ? "ok" : thrown;
    }
};

/// Awaits a coroutine and says what it threw.
template <class T>
coffer::awaitable<said> listen(coffer::awaitable<T> coroutine) {
    said s;
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(coroutine);
        } else {
            auto value = co_await std::move(coroutine);
            (void)value;
        }
    } catch (coffer::failure const& f) {
        s.fault = f.fault();
    } catch (std::exception const& e) {
        s.thrown = e.what();
    }
    co_return s;
}

/// The application's own database, in which a column may be missing.
struct application {
    bool migrated = false;
    int saved = 0;
    int rehearsed = 0;

    void rehearse() {
        ++rehearsed;
        if (!migrated) throw std::runtime_error{"no such column: body"};
    }
    void save() {
        if (!migrated) throw std::runtime_error{"no such column: body (attempt " + std::to_string(rehearsed) + ")"};
        ++saved;
    }
};

/// One run: three questions, each building on the answer before.
inline coffer::awaitable<void> make_report(coffer::journal& run, guarded ask, application& app) {
    std::string material;
    for (std::string const name : {"outline", "draft", "summary"}) {
        request const r{name + " of " + material};
        material = co_await run.step(name, ask, r);
    }
    app.save();
}

}  // namespace support

// SPDX-License-Identifier: BSL-1.0
#pragma once
// Stores in files of a directory that goes away with the test.

#include <coffer/store/sqlite.hpp>

#include "store/store_world.hpp"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace store_test {

class temporary_directory {
public:
    temporary_directory() {
        auto pattern = (std::filesystem::temp_directory_path() / "coffer-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"mkdtemp"};
        path_ = pattern;
    }
    temporary_directory(temporary_directory const&) = delete;
    temporary_directory& operator=(temporary_directory const&) = delete;
    ~temporary_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::filesystem::path operator/(std::string const& name) const { return path_ / name; }
    [[nodiscard]] std::filesystem::path const& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

[[nodiscard]] inline std::string bytes_of(std::filesystem::path const& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

/// Processes are handles that share nothing, and end by closing the file: what they held stays in it.
class sqlite_world final : public world {
public:
    explicit sqlite_world(coffer::sqlite::options o = {}) : options_{o} {}
    /// In a file that somebody else looks after.
    explicit sqlite_world(std::filesystem::path file, coffer::sqlite::options o = {})
        : file_{std::move(file)}, options_{o} {}

    coffer::sqlite::store& process(int i) override {
        auto const at = static_cast<std::size_t>(i);
        if (stores_.size() <= at) stores_.resize(at + 1);
        if (!stores_[at]) {
            auto o = options_;
            o.as_another_process = i > 0;
            stores_[at] = std::make_unique<coffer::sqlite::store>(file_, o);
        }
        return *stores_[at];
    }
    void kill(int i) override { stores_.at(static_cast<std::size_t>(i)).reset(); }
    coffer::store second_handle() override {
        (void)process(0);
        return coffer::sqlite::store{file_};
    }
    [[nodiscard]] std::filesystem::path const& file() const noexcept { return file_; }
    void close() { stores_.clear(); }

private:
    temporary_directory directory_;
    std::filesystem::path file_ = directory_ / "coffer.db";
    coffer::sqlite::options options_;
    std::vector<std::unique_ptr<coffer::sqlite::store>> stores_;
};

/// Awaits completions in real time.
class real_time {
public:
    real_time() { (void)service(); }
    [[nodiscard]] coffer::clock_service& service() { return coffer::clock_service::of(io_.get_executor()); }
    [[nodiscard]] std::shared_ptr<coffer::clock> clock() { return service().clock(); }

    /// The result; waits for it without a limit (the test's own is enough).
    template <class T>
    T get(coffer::completion<T> const& done) {
        (void)within(done, 24h);
        return *done.get();
    }
    /// Is there a result within `d`?
    template <class T>
    bool within(coffer::completion<T> const& done, coffer::duration d) {
        if (done.get() == nullptr) {
            support::start<void, asio::any_io_executor>(io_.get_executor(), wait(done, clock()->now() + d));
            io_.restart();
            io_.run();
        }
        return done.get() != nullptr;
    }

private:
    template <class T>
    coffer::awaitable<void> wait(coffer::completion<T> done, coffer::time_point until) {
        co_await done.wait(service(), until);
    }
    asio::io_context io_;
};

/// A plain connection to the file, as another program would have it.
class intruder {
public:
    explicit intruder(std::filesystem::path const& file) : db_{file.string(), 5000ms} {}
    void run(std::string const& sql) { db_.run(sql.c_str()); }
    [[nodiscard]] std::int64_t number(std::string const& sql) { return coffer::sqlite::detail::ask(db_, sql.c_str()); }
    [[nodiscard]] std::string text(std::string const& sql) {
        coffer::sqlite::detail::statement const s{db_, sql};
        auto const row = s.with();
        return row.next() ? std::string{row.bytes()} : std::string{};
    }

private:
    coffer::sqlite::detail::connection db_;
};

}  // namespace store_test

// SPDX-License-Identifier: BSL-1.0
#pragma once
// Several contexts under one virtual clock, run by one thread. One of them may go before the others.

#include <coffer/asio.hpp>
#include <coffer/testing/virtual_time.hpp>
#include <coffer/time/clock_service.hpp>

#include <asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace support {

class contexts {
public:
    explicit contexts(std::size_t count, std::uint64_t seed = 1)
        : clock_{std::make_shared<coffer::testing::virtual_clock>(seed)} {
        for (std::size_t i = 0; i < count; ++i) {
            all_.push_back(std::make_unique<asio::io_context>());
            coffer::clock_service::of(all_.back()->get_executor()).install(clock_);
        }
    }

    [[nodiscard]] asio::io_context& operator[](std::size_t i) { return *all_[i]; }
    [[nodiscard]] asio::any_io_executor executor(std::size_t i) { return all_[i]->get_executor(); }
    [[nodiscard]] coffer::time_point now() const { return clock_->now(); }
    [[nodiscard]] coffer::testing::virtual_clock& clock() const { return *clock_; }
    /// From now on nobody runs it.
    void stop(std::size_t i) { stopped_.insert(all_[i].get()); }
    /// Shuts one down, as it stands.
    void destroy(std::size_t i) {
        stopped_.erase(all_[i].get());
        all_[i].reset();
    }

    void run() { run_until(coffer::time_point::max()); }
    void run_for(coffer::duration d) {
        auto const limit = clock_->now() + d;
        run_until(limit);
        clock_->set(limit);
    }
    /// Runs what is ready, as far as it goes without time passing.
    void run_ready() { run_until(clock_->now()); }

private:
    void run_until(coffer::time_point limit) {
        do {
            for (bool busy = true; busy;) {
                busy = false;
                for (auto const& io : all_) {
                    if (!io || stopped_.contains(io.get())) continue;
                    if (io->stopped()) io->restart();  // for want of work
                    busy = io->poll() > 0 || busy;
                }
            }
        } while (clock_->advance(limit));
    }

    std::shared_ptr<coffer::testing::virtual_clock> clock_;
    std::vector<std::unique_ptr<asio::io_context>> all_;
    std::set<asio::io_context const*> stopped_;
};

}  // namespace support

// SPDX-License-Identifier: BSL-1.0
// What keeping a paid answer costs over the bare thing. See support/modes.hpp for how it is run.
//
// memory    claim, permit, answer, accept of a 1 KiB answer          bare: a sharded map of phase and value, in the same four steps
// replay    a claim that finds a 1 KiB answer                        bare: a mutex, a hash map, a shared pointer
// sha256    1 KiB and 8 KiB by crypto::sha256_of                     bare: EVP with an algorithm and a context that are kept
// sqlite    64 callers, each claim, permit, answer, accept, FULL     bare: the same rows, in as many commits, by one loop

#include <coffer/crypto/hash.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/store/sqlite.hpp>

#include <asio/io_context.hpp>

#include <openssl/evp.h>

#include <stdlib.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "support/modes.hpp"

namespace {

// In memory ---------------------------------------------------------------------------------------------------------------

std::string const kilobyte(1024, 'x');
constexpr int hot = 1024;  // keys that are replayed in turns

coffer::claim_request request_of(int n) {
    coffer::claim_request q;
    for (std::size_t i = 0; i < 4; ++i) q.id[i] = static_cast<std::uint8_t>(n >> (8 * i));
    q.id[15] = 1;
    return q;
}

class memory_store {
public:
    memory_store() {
        store_.backend()->bind(coffer::clock_service::of(io_.get_executor()).clock());
        for (int i = 0; i < hot; ++i) {
            keep(-1 - i);
            ids_.push_back(store_.backend()->id_of(coffer::key{"bench", -1 - i}));
        }
    }
    void keep(int n) {
        auto& b = *store_.backend();
        auto const id = b.id_of(coffer::key{"bench", n});
        auto const q = request_of(n);
        coffer::claim_ref const ref{id, q.id};
        (void)b.claim(id, q);
        coffer::permit_request p;
        p.longest = std::chrono::minutes{5};
        auto const send = (*b.permit(ref, p, {}).get())->send;
        (void)b.submit_answer(ref, send, std::make_shared<coffer::answer const>(kilobyte, 200));
        (void)b.submit_accept(ref, send);
    }
    void run(int n) {
        for (int i = 0; i < n; ++i) keep(++last_);
    }
    void replay(int n) {
        auto& b = *store_.backend();
        auto const q = request_of(-2);
        std::size_t bytes = 0;
        for (int i = 0; i < n; ++i) {
            auto const& id = ids_[static_cast<std::size_t>(i) % ids_.size()];
            auto const done = b.claim(id, q);
            if (auto const* const paid = std::get_if<coffer::replayed>(&**done.get()))
                bytes += paid->accepted.what->body.size();
        }
        if (bytes != static_cast<std::size_t>(n) * kilobyte.size()) std::abort();
    }

private:
    asio::io_context io_;
    coffer::memory_store store_;
    std::vector<coffer::record_id> ids_;
    int last_ = 0;
};

class bare_memory {
public:
    bare_memory() {
        for (int i = 0; i < hot; ++i) {
            keep(-1 - i);
            names_.emplace_back(coffer::key{"bench", -1 - i}.bytes());
        }
    }
    void keep(int n) {
        auto const name = coffer::key{"bench", n};
        auto& mine = shards_[std::hash<std::string_view>{}(name.bytes()) % shards_.size()];
        {
            std::lock_guard const lock{mine.mutex};
            mine.entries.try_emplace(std::string{name.bytes()});
        }
        auto const at = [&]() -> entry& { return mine.entries.find(std::string{name.bytes()})->second; };
        {
            std::lock_guard const lock{mine.mutex};
            at().phase = 1;
        }
        {
            std::lock_guard const lock{mine.mutex};
            at().value = std::make_shared<std::string const>(kilobyte);
        }
        std::lock_guard const lock{mine.mutex};
        at().phase = 2;
    }
    void run(int n) {
        for (int i = 0; i < n; ++i) keep(++last_);
    }
    void hit(int n) {
        std::size_t sum = 0;
        for (int i = 0; i < n; ++i) {
            auto const& bytes = names_[static_cast<std::size_t>(i) % names_.size()];
            auto& mine = shards_[std::hash<std::string_view>{}(bytes) % shards_.size()];
            std::shared_ptr<std::string const> found;
            {
                std::lock_guard const lock{mine.mutex};
                found = mine.entries.find(bytes)->second.value;
            }
            sum += found->size();
        }
        if (sum != static_cast<std::size_t>(n) * kilobyte.size()) std::abort();
    }

private:
    struct entry {
        int phase = 0;
        std::shared_ptr<std::string const> value;
    };
    struct shard {
        alignas(64) std::mutex mutex;
        std::unordered_map<std::string, entry> entries;
    };
    std::array<shard, 16> shards_;
    std::vector<std::string> names_;
    int last_ = 0;
};

// SHA-256 -----------------------------------------------------------------------------------------------------------------

template <std::size_t Size>
void sha256(long n) {
    std::string const text(Size, 'x');
    for (long i = 0; i < n; ++i)
        if (coffer::crypto::sha256_of(text)[0] == 0 && text.empty()) std::abort();
}

template <std::size_t Size>
void bare_sha256(long n) {
    std::string const text(Size, 'x');
    static std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> const algorithm{EVP_MD_fetch(nullptr, "SHA256", nullptr),
                                                                           EVP_MD_free};
    static std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> const context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    std::array<unsigned char, 32> digest{};
    for (long i = 0; i < n; ++i) {
        EVP_DigestInit_ex(context.get(), algorithm.get(), nullptr);
        EVP_DigestUpdate(context.get(), text.data(), text.size());
        EVP_DigestFinal_ex(context.get(), digest.data(), nullptr);
        if (digest[0] == 0 && text.empty()) std::abort();
    }
}

// On disk -----------------------------------------------------------------------------------------------------------------

class directory {
public:
    directory() {
        std::string pattern = (std::filesystem::current_path() / "bench-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) std::abort();
        path_ = pattern;
    }
    directory(directory const&) = delete;
    directory& operator=(directory const&) = delete;
    ~directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::filesystem::path operator/(char const* name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

/// 64 callers, each of which takes its next step when the last one is durable.
class sqlite_store {
public:
    explicit sqlite_store(std::filesystem::path const& file) : store_{file} {
        store_.backend()->bind(coffer::clock_service::of(io_.get_executor()).clock());
    }
    void run(int n) {
        for (int i = 0; i < callers; ++i) asio::co_spawn(io_, caller(n / callers), asio::detached);
        io_.restart();
        io_.run();
    }
    [[nodiscard]] coffer::sqlite::stats stats() const { return store_.stats(); }

private:
    static constexpr int callers = 64;
    template <class T>
    static coffer::awaitable<void> finish(coffer::completion<T> done) {
        auto const executor = co_await asio::this_coro::executor;
        co_await done.wait(coffer::clock_service::of(executor), coffer::time_point::max());
    }
    coffer::awaitable<void> caller(int n) {
        auto& b = *store_.backend();
        for (int i = 0; i < n; ++i) {
            auto const number = ++last_;
            auto const id = b.id_of(coffer::key{"bench", number});
            auto const q = request_of(number);
            coffer::claim_ref const ref{id, q.id};
            co_await finish(b.claim(id, q));
            coffer::permit_request p;
            p.longest = std::chrono::minutes{5};
            co_await finish(b.permit(ref, p, {}));
            (void)b.submit_answer(ref, 1, std::make_shared<coffer::answer const>(kilobyte, 200));
            co_await finish(b.submit_accept(ref, 1));
        }
    }
    asio::io_context io_;
    coffer::sqlite::store store_;
    int last_ = 0;
};

/// The rows of as many calls, `batch` at a time: a commit for the claims, one for the permits, one for answers and acceptances.
class bare_sqlite {
public:
    explicit bare_sqlite(std::filesystem::path const& file) : db_{made(file), std::chrono::milliseconds{5000}} {
        namespace d = coffer::sqlite::detail;
        d::configure(db_, std::chrono::milliseconds{5000});
        for (auto const* const step : d::format_steps) db_.run(step);
        auto const columns = std::string{
            "records(key, ns, state, claim, held, owner, token, lease_until, claims, max_sends, "
            "granted_sends, takeover_grace, acknowledged_kept, unacknowledged_kept, created, "
            "updated) "};
        claim_.emplace(db_, "INSERT INTO " + columns +
                                "VALUES(?,'bench','claimed',x'00112233445566778899aabbccddeeff',1,"
                                "'0123456789abcdef-0123456789abcdef',?,1,1,2,0,1,1,1,1,1)");
        sent_.emplace(db_, "UPDATE records SET state='sent', updated=2 WHERE id=?");
        send_.emplace(db_,
                      "INSERT INTO sends(record, number, state, claim, owner, permitted_until, permitted_at, provider, "
                      "model) VALUES(?,1,'permitted',x'00112233445566778899aabbccddeeff',"
                      "'0123456789abcdef-0123456789abcdef',1,1,'','')");
        body_.emplace(db_, "INSERT INTO answers(codec, body) VALUES(0, ?)");
        answer_.emplace(db_, "UPDATE sends SET state='accepted', status=200, answer=? WHERE record=? AND number=1");
        done_.emplace(db_, "UPDATE records SET state='done', held=0, updated=3, expires=4 WHERE id=?");
        token_.emplace(db_, "UPDATE meta SET value=? WHERE name='token'");
        db_.run("INSERT INTO meta(name, value) VALUES('token', 0)");
    }
    void run(int n, int batch) {
        for (int i = 0; i < n; i += batch) {
            std::vector<std::int64_t> ids(static_cast<std::size_t>(std::min(batch, n - i)));
            db_.run("BEGIN IMMEDIATE");
            for (auto& id : ids) {
                auto const digest = coffer::crypto::sha256_of(std::to_string(++last_));
                claim_->run(coffer::sqlite::detail::as_blob(digest), last_);
                id = db_.last_id();
            }
            token_->run(last_);
            db_.run("COMMIT; BEGIN IMMEDIATE");
            for (auto const id : ids) {
                sent_->run(id);
                send_->run(id);
            }
            db_.run("COMMIT; BEGIN IMMEDIATE");
            for (auto const id : ids) {
                body_->run(coffer::sqlite::detail::as_blob(kilobyte));
                answer_->run(db_.last_id(), id);
                done_->run(id);
            }
            db_.run("COMMIT");
        }
    }

private:
    static std::string made(std::filesystem::path const& file) {
        if (std::FILE* const f = std::fopen(file.c_str(), "w")) std::fclose(f);
        return file.string();
    }
    coffer::sqlite::detail::connection db_;
    std::optional<coffer::sqlite::detail::statement> claim_, sent_, send_, body_, answer_, done_, token_;
    int last_ = 0;
};

// Each of both makes so many commits for as many calls: the bare one needs to know how many callers shared one.
struct on_disk {
    directory dir;
    sqlite_store mine{dir / "mine.db"};
    bare_sqlite bare{dir / "bare.db"};
    int batch = 0;

    on_disk() {
        mine.run(64 * 32);
        auto const s = mine.stats();
        // Four operations in three steps: the answer is not waited for before it is accepted.
        batch = static_cast<int>(3 * s.operations / (4 * s.commits));
    }
};
on_disk& disk() {
    static on_disk one;
    return one;
}

memory_store& memory() {
    static memory_store one;
    return one;
}
bare_memory& bare_map() {
    static bare_memory one;
    return one;
}

constexpr bench::mode modes[]{
    {"memory", [](long n) { memory().run(static_cast<int>(n)); }},
    {"bare_memory", [](long n) { bare_map().run(static_cast<int>(n)); }},
    {"replay", [](long n) { memory().replay(static_cast<int>(n)); }},
    {"bare_replay", [](long n) { bare_map().hit(static_cast<int>(n)); }},
    {"sha256_1k", sha256<1024>},
    {"bare_sha256_1k", bare_sha256<1024>},
    {"sha256_8k", sha256<8192>},
    {"bare_sha256_8k", bare_sha256<8192>},
    {"sqlite", [](long n) { disk().mine.run(static_cast<int>(n)); }, 1024, true},
    {"bare_sqlite", [](long n) { disk().bare.run(static_cast<int>(n), disk().batch); }, 1024, true},
};

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, modes); }

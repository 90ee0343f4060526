// SPDX-License-Identifier: BSL-1.0
#include "svg.hpp"

#include <limits>

namespace svg {

std::string escaped(std::string_view text) {
    std::string out;
    for (auto const c : text) {
        if (c == '<') out += "&lt;";
        else if (c == '>') out += "&gt;";
        else if (c == '&') out += "&amp;";
        else if (c == '"') out += "&quot;";
        else out += c;
    }
    return out;
}

std::int64_t round_scale(std::int64_t value) {
    for (std::int64_t power = 1;; power *= 10)
        for (std::int64_t const digit : {1, 2, 5})
            if (digit * power >= value || power > std::numeric_limits<std::int64_t>::max() / 100) return digit * power;
}

document::document(std::int64_t width, std::int64_t height, std::string_view style) {
    out_ << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << width << " " << height
         << "\" font-family=\"sans-serif\" font-size=\"12\">\n"
            "  <style>"
         << style
         << "</style>\n"
            "  <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
}

void document::headline(point at, std::string_view what) {
    out_ << "  <text x=\"" << at.x << "\" y=\"" << at.y << "\" font-size=\"16\">" << escaped(what) << "</text>\n";
}

void document::text(point at, anchor where, std::string_view what) {
    constexpr char const* names[] = {"start", "middle", "end"};
    out_ << indent() << "<text x=\"" << at.x << "\" y=\"" << at.y << "\" text-anchor=\""
         << names[static_cast<int>(where)] << "\">" << escaped(what) << "</text>\n";
}

void document::line(std::string_view of_class, point from, point to) {
    out_ << indent() << "<line class=\"" << of_class << "\" x1=\"" << from.x << "\" x2=\"" << to.x << "\" y1=\""
         << from.y << "\" y2=\"" << to.y << "\"/>\n";
}

void document::bar(std::string_view of_class, point corner, std::int64_t width, std::int64_t height) {
    if (width <= 0 || height <= 0) return;
    out_ << indent() << "<rect class=\"" << of_class << "\" x=\"" << corner.x << "\" y=\"" << corner.y << "\" width=\""
         << width << "\" height=\"" << height << "\"/>\n";
}

void document::curve(std::string_view of_class, std::vector<point> const& through) {
    if (through.empty()) return;
    auto last = through.front();
    out_ << indent() << "<path class=\"" << of_class << "\" fill=\"none\" d=\"M" << last.x << ' ' << last.y;
    // Steps instead of places, and one step for a level stretch: a third of the bytes.
    std::int64_t level = 0;
    auto const end_level = [&] {
        if (level != 0) out_ << 'h' << level;
        level = 0;
    };
    for (auto const& p : through) {
        if (p.y == last.y) {
            level += p.x - last.x;
        } else {
            end_level();
            out_ << 'l' << p.x - last.x << (p.y < last.y ? "" : " ") << p.y - last.y;
        }
        last = p;
    }
    end_level();
    out_ << "\"/>\n";
}

void document::begin_group(std::string_view title) {
    out_ << "  <g><title>" << escaped(title) << "</title>\n";
    grouped_ = true;
}
void document::end_group() {
    out_ << "  </g>\n";
    grouped_ = false;
}

std::string document::finish() && {
    out_ << "</svg>\n";
    return std::move(out_).str();
}

}  // namespace svg

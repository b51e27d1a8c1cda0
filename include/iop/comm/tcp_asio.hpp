// SPDX-License-Identifier: MIT
#pragma once

// The door to Boost.Asio: the only header that includes it, and only what TCP needs. Asio brings sockets,
// names, time-outs and concurrency while the ranks find each other; exchanges then run on its sockets without
// blocking.

#include <iop/core/text.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>

#include <string>

namespace iop::comm {

namespace asio = boost::asio;
using tcp = boost::asio::ip::tcp;
using boost::system::error_code;

/// What the operating system says, without allocating.
inline text<80> words_of(const error_code& reason) {
  char characters[81];
  return text<80>(std::string_view(reason.message(characters, sizeof characters)));
}

/// "127.0.0.1:4711", "[::1]:4711"; "an unknown address" for a socket that is not connected any more.
inline text<63> address_of(const tcp::socket& socket) {
  error_code reason;
  const tcp::endpoint peer = socket.remote_endpoint(reason);
  if (reason) return text<63>(std::string_view("an unknown address"));
  const std::string address = peer.address().to_string();
  return peer.address().is_v6() ? sentence<63>("[", address, "]:", peer.port())
                                : sentence<63>(address, ":", peer.port());
}

}  // namespace iop::comm

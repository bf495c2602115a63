/* Stands in for libcurl's header, which librdkafka 2.12 includes without using anything of it in this build. */

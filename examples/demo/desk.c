/* The C part of `make demo`: a help desk that refreshes tokens and shows the devices of a user. It reads one command a
 * line and answers each with lines that end with a single dot. See examples/demo/README.md. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hellojohn.h"

static void answer_error(hj_status status) {
    printf("error\t%s\n", hj_status_name(status));
}

static void refresh(const hj_tenant *tenant, const char *refresh_token) {
    hj_grant *grant;
    hj_status status = hj_tenant_refresh(tenant, hj_str_of(refresh_token), NULL, &grant, NULL);
    if (status != HJ_OK) {
        answer_error(status);
        return;
    }
    printf("%s\t%s\t%s\n", hj_session_id(hj_grant_session(grant)), hj_grant_access_token(grant),
           hj_grant_refresh_token(grant));
    hj_grant_free(grant);
}

static const char *or_dash(const char *text) {
    return text != NULL ? text : "-";
}

static void show_device(const hj_session *session) {
    char since[32] = "";
    time_t seconds = (time_t)(hj_session_created_at_ms(session) / 1000);
    const struct tm *utc = gmtime(&seconds);
    if (utc != NULL) {
        strftime(since, sizeof since, "%Y-%m-%d %H:%M", utc);
    }
    printf("  %-30s  %-8s %-7s  %-7s  %-29s  %-16s  %.44s\n", hj_session_id(session), hj_session_status(session),
           hj_session_device_type(session), or_dash(hj_session_country(session)),
           or_dash(hj_session_ip_address(session)), since, or_dash(hj_session_user_agent(session)));
}

static void show_devices(const hj_tenant *tenant, const char *user) {
    hj_list_options options = hj_list_options_init();
    options.user_id = hj_str_of(user);
    options.status = HJ_STR("all");
    hj_page *page;
    hj_status status = hj_tenant_list(tenant, &options, &page, NULL);
    if (status != HJ_OK) {
        answer_error(status);
        return;
    }
    printf("  %-30s  %-8s %-7s  %-7s  %-29s  %-16s  %s\n", "session", "status", "device", "country", "address",
           "since (UTC)", "user agent");
    for (size_t i = 0; i < hj_page_count(page); i++) {
        show_device(hj_page_session(page, i));
    }
    hj_page_free(page);
}

static void serve(const hj_tenant *tenant) {
    char line[16 * 1024];
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *argument = strchr(line, '\t');
        if (argument == NULL) {
            puts("error\tbad_request");
        } else {
            *argument++ = '\0';
            if (strcmp(line, "refresh") == 0) {
                refresh(tenant, argument);
            } else if (strcmp(line, "devices") == 0) {
                show_devices(tenant, argument);
            } else {
                puts("error\tbad_request");
            }
        }
        puts(".");
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: desk DATABASE TENANT-ID SECRET-KEY\n");
        return EXIT_FAILURE;
    }
    hj_engine *engine = NULL;
    hj_tenant *tenant = NULL;
    hj_error *error = NULL;
    hj_status status = hj_engine_open(hj_str_of(argv[1]), NULL, &engine, &error);
    if (status == HJ_OK) {
        status = hj_engine_tenant(engine, hj_str_of(argv[2]), hj_str_of(argv[3]), &tenant, &error);
    }
    if (status == HJ_OK) {
        serve(tenant);
    } else {
        fprintf(stderr, "desk: %s\n", hj_error_detail(error));
    }
    hj_error_free(error);
    hj_tenant_free(tenant);
    hj_engine_free(engine);
    return status == HJ_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

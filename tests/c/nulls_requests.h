/* What a host fills a request with: a part of nulls.c. */

static void refuse_headers(const hj_rest *rest, hj_rest_request request) {
  hj_response *answer = NULL;
  BAD(hj_rest_handle(rest, &request, &answer, error));
  request.headers = &(hj_header){absent, absent};
  BAD(hj_rest_handle(rest, &request, &answer, error));
}

static void authorize_page(const hj_rest *rest, const hj_rest_request *request) {
  hj_authorize_options authorize = hj_authorize_options_init();
  hj_session *session = (hj_session *)&session;
  hj_response *answer = (hj_response *)&answer;
  BAD(hj_rest_authorize(NULL, request, &authorize, &session, &answer, error));
  CHECK(session == NULL && answer == NULL);
  BAD(hj_rest_authorize(rest, NULL, &authorize, &session, &answer, error));
  BAD(hj_rest_authorize(rest, request, &authorize, &session, NULL, error));
  FINE(hj_rest_authorize(rest, request, NULL, NULL, &answer, error));
  CHECK(hj_response_status(answer) == 401);
  hj_response_free(answer);
}

"""Sign in and out."""

from django.contrib.auth.views import LoginView, LogoutView


class SignIn(LoginView):
    """Ask for name and password; somebody signed in already goes straight to the portfolio."""

    template_name = "registration/sign_in.html"
    redirect_authenticated_user = True


sign_in = SignIn.as_view()
sign_out = LogoutView.as_view()

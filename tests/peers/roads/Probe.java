import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

/** One GET as every Java program makes it; says what came, and fails as it did. */
class Probe {
    public static void main(String[] told) throws Exception {
        var ask = HttpRequest.newBuilder(URI.create(told[0])).build();
        var answer = HttpClient.newHttpClient().send(ask, BodyHandlers.ofString());
        System.out.println(answer.statusCode() + " " + answer.version() + " " + answer.body());
        System.exit(answer.statusCode() < 400 ? 0 : 1);
    }
}

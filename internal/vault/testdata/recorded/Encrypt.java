import java.io.*;
import java.nio.charset.StandardCharsets;
import java.security.*;
import java.util.*;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openpgp.*;
import org.bouncycastle.openpgp.operator.jcajce.*;

/** Encrypts as BouncyCastle's own examples do: for the first key that can, compressed. */
public class Encrypt {
    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        byte[] plain = args[1].getBytes(StandardCharsets.UTF_8);
        boolean mdc = args[2].equals("with-mdc");

        InputStream in = PGPUtil.getDecoderStream(new FileInputStream(args[0]));
        PGPPublicKey key = null;
        for (PGPPublicKeyRing ring : new PGPPublicKeyRingCollection(in, new JcaKeyFingerprintCalculator())) {
            for (PGPPublicKey candidate : ring) {
                if (key == null && candidate.isEncryptionKey()) key = candidate;
            }
        }

        ByteArrayOutputStream packets = new ByteArrayOutputStream();
        PGPCompressedDataGenerator compressed = new PGPCompressedDataGenerator(PGPCompressedData.ZIP);
        OutputStream literal = new PGPLiteralDataGenerator()
            .open(compressed.open(packets), PGPLiteralData.BINARY, PGPLiteralData.CONSOLE, plain.length, new Date());
        literal.write(plain);
        literal.close();
        compressed.close();

        // Without setWithIntegrityPacket there is no modification detection code.
        JcePGPDataEncryptorBuilder builder = mdc
            ? new JcePGPDataEncryptorBuilder(PGPEncryptedData.AES_256).setWithIntegrityPacket(true)
            : new JcePGPDataEncryptorBuilder(PGPEncryptedData.CAST5);
        PGPEncryptedDataGenerator generator = new PGPEncryptedDataGenerator(builder.setProvider("BC"));
        generator.addMethod(new JcePublicKeyKeyEncryptionMethodGenerator(key).setProvider("BC"));
        OutputStream armored = new org.bouncycastle.bcpg.ArmoredOutputStream(System.out);
        OutputStream encrypted = generator.open(armored, packets.size());
        encrypted.write(packets.toByteArray());
        encrypted.close();
        armored.close();
        System.out.flush();
    }
}
